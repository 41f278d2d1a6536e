"""Sessions beside each other and inside each other, and what threads and models add to them."""

from __future__ import annotations

import threading
import warnings
from functools import partial
from typing import Any, Final, Literal

from conformance.areas.scope import crew_kinds, crews, turns
from conformance.areas.scope.marks import STREAM_SETTINGS, captured, heard, held, marks
from conformance.stage.consumer import Consumer, both
from conformance.stage.points import DEADLINE_S
from conformance.stage.programs import Ask, Block, Emit, FlowProgram, HoldBody, Method, Nest, Script, Spawn, Text
from conformance.stage.scenario import FLOW, FLOW_AND_LLM, Scenario
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected

_MEET: Final = FlowProgram(
    (
        Method("meets", (Emit("one"), Block("held"), Emit("two"))),
        Method("spawns", (Spawn((Emit("three"),), with_context=True),), after=("meets",)),
    )
)
_MEET_MARKS: Final = ("one", "two", "three")


def _beside(shared: Literal["class", "object"], consumer: Consumer) -> Evidence:
    """Two sessions of one flow class, or of one flow object, that are open together."""
    flow = consumer.subject.flow(_MEET, consumer.performance)
    twin = flow if shared == "object" else type(flow)()
    sessions = [consumer.stream(each) for each in (flow, twin)]
    reads = consumer.read_held(consumer.begin(sessions))
    name = f"one of two sessions on one flow {shared}"
    return reads[0].evidence(*(row for each in reads for row in heard("scope.isolated", name, _MEET_MARKS, each)))


def _shared_llm(consumer: Consumer) -> Evidence:
    """Two calls of one LLM object that are open together."""
    llm = consumer.subject.llm(consumer.performance)
    scripts = [Script((Text(f"{name}1"), HoldBody("held"), Text(f"{name}2"))) for name in ("left", "right")]

    def call(script: Script) -> Any:
        prompt = consumer.provider.prompt_for(script)
        enter = consumer.entry_of(llm)
        return consumer.keep(consumer.in_loop(lambda: enter(prompt)))

    reads = consumer.read_held(consumer.begin([call(script) for script in scripts]))
    name = "one of two calls of one LLM"
    return reads[0].evidence(
        *(
            row
            for script, each in zip(scripts, reads, strict=True)
            for row in heard("scope.isolated", name, (script.text,), each)
        )
    )


def _nested(consumer: Consumer, *, streamed: bool) -> Evidence:
    """A flow inside a flow, run plainly or as a session of its own that is read inside."""
    in_loop = not consumer.is_sync
    inner = FlowProgram((Method("inside", (Emit("inner"), Ask()), is_async=in_loop),), name="InnerFlow")
    steps = (Emit("before"), Nest(inner, streamed), Emit("after"))
    read = consumer.read_session(FlowProgram((Method("outside", steps, is_async=in_loop),)))
    text = Script().text
    expected = [*heard("scope.nested", "the outer session", ("before", "inner", "after", text), read)]
    inner_frames = consumer.stage.noted("inner")
    for frames in inner_frames:
        expected += held("scope.nested", "the inner session", ("inner", text), marks(frames))
    if streamed:
        expected.append(Expected("scope.nested", "how many inner sessions were read", 1, len(inner_frames)))
    return read.evidence(*expected)


def _spawned(consumer: Consumer, *, with_context: bool) -> Evidence:
    """A method that starts a thread, which emits."""
    steps = (Emit("one"), Spawn((Emit("from-thread"),), with_context), Emit("two"))
    program = FlowProgram((Method("spawns", steps),))
    name = f"the only session, by {'context' if with_context else 'source'},"
    read = consumer.read_session(program)
    return read.evidence(*heard("scope.worker-threads", name, ("one", "from-thread", "two"), read))


def _stray(whose: Literal["its own", "shared", "a stranger"], consumer: Consumer) -> Evidence:
    """A thread that the run did not start emits: from the flow of the one open session, of two, or of none."""
    flow = consumer.subject.flow(_MEET, consumer.performance)
    source = consumer.subject.flow(_MEET, consumer.performance) if whose == "a stranger" else flow
    sessions = [consumer.stream(flow) for _ in range(2 if whose == "shared" else 1)]
    loops = consumer.begin(sessions)
    consumer.await_reached("held", len(sessions))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        emitter = threading.Thread(target=consumer.subject.emit, args=(source, "stray"), name="stray", daemon=True)
        emitter.start()
        emitter.join(DEADLINE_S)
    reads = consumer.read_held(loops)
    clear = whose == "its own"
    due = ("one", "stray", "two", "three") if clear else _MEET_MARKS
    name = "the only session" if len(sessions) == 1 else "one of two sessions with the same source"
    expected = [row for each in reads for row in heard("scope.worker-threads", name, due, each)]
    if not clear:
        aspect = f"whether anybody was warned of an event that belongs to no session, beside {name}"
        expected.append(Expected("scope.worker-threads", aspect, True, bool(caught)))
    return reads[0].evidence(*expected)


def _awaited(consumer: Consumer) -> Evidence:
    program = FlowProgram((Method("emits", (Emit("one", awaited=True), Emit("two", awaited=True)), is_async=True),))
    read = consumer.read_session(program)
    return read.evidence(*heard("scope.aemit", "the session", ("one", "two"), read))


def _captured(stream: bool | None, consumer: Consumer, *, in_async: bool) -> Evidence:
    """A flow that calls a model, which says nothing of streaming, or says that it does or does not."""
    program = FlowProgram((Method("asks", (Ask(stream=stream),), is_async=in_async),))
    read = consumer.read_session(program)
    chunks = tuple(frame.content for frame in read.frames if frame.type == "llm_stream_chunk")
    requested = consumer.provider.requested_streams()[0]
    return read.evidence(*captured(stream, Script().text, chunks, requested=requested))


_ISOLATED: Final = frozenset({"scope.isolated", "order.seq-gapless"})
_NESTED: Final = frozenset({"scope.nested", "order.seq-gapless"})
_THREADS: Final = frozenset({"scope.worker-threads"})
_THREADED: Final = frozenset({"flow", "threads"})

SCENARIOS: tuple[Scenario, ...] = (
    *both("beside/one-class", _ISOLATED, partial(_beside, "class"), FLOW),
    *both("beside/one-object", _ISOLATED, partial(_beside, "object"), FLOW),
    *both("beside/one-llm", _ISOLATED, _shared_llm, {"llm"}),
    *both("nested/plain", _NESTED, partial(_nested, streamed=False), FLOW_AND_LLM),
    *both("nested/streamed", _NESTED, partial(_nested, streamed=True), FLOW_AND_LLM),
    *both("thread/with-context", _THREADS, partial(_spawned, with_context=True), _THREADED),
    *both("thread/by-source", _THREADS, partial(_spawned, with_context=False), _THREADED),
    *both("thread/stray/own-source", _THREADS, partial(_stray, "its own"), _THREADED),
    *both("thread/stray/shared-source", _THREADS, partial(_stray, "shared"), _THREADED),
    *both("thread/stray/strange-source", _THREADS, partial(_stray, "a stranger"), _THREADED),
    *both("awaited-emit", {"scope.aemit"}, _awaited, FLOW | {"async"}),
    *(
        scenario
        for name, stream in STREAM_SETTINGS.items()
        for in_async in (False, True)
        for scenario in both(
            f"captured/told-{name}/{'async' if in_async else 'sync'}-method",
            {"scope.captures-llm"},
            partial(_captured, stream, in_async=in_async),
            FLOW_AND_LLM,
        )
    ),
    *turns.SCENARIOS,
    *crews.SCENARIOS,
    *crew_kinds.SCENARIOS,
)
