"""Sessions beside each other and inside each other, and what threads and models add to them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, Literal

from conformance.areas.scope import crew_kinds, crews, turns
from conformance.areas.scope.marks import STREAM_SETTINGS, captured, heard, held, marks
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.points import DEADLINE_S
from conformance.stage.programs import Ask, Block, Emit, FlowProgram, Method, Nest, Reach, Script, Spawn, Step
from conformance.timeline.evidence import AnyFrame, Evidence
from conformance.timeline.expected import Expected

_MEET: Final = FlowProgram(
    (
        Method("meets", (Emit("one"), Block("held"), Emit("two"))),
        Method("spawns", (Spawn((Emit("three"),), with_context=True),), after=("meets",)),
    )
)
_MEET_MARKS: Final = ("one", "two", "three")


def _beside(consumer: Consumer, shared: Literal["class", "object"]) -> Evidence:
    """Two sessions of one flow class, or of one flow object, that are open together."""
    flow = consumer.flow(_MEET)
    twin = flow if shared == "object" else type(flow)()
    sessions = [consumer.stream(each) for each in (flow, twin)]
    reads = consumer.read_held(consumer.begin(sessions))
    name = f"one of two sessions on one flow {shared}"
    expected = [row for each in reads for row in heard("scope.isolated", name, _MEET_MARKS, each)]
    # The second may hold something of the first, and the first lack numbers that went to the second.
    numbers = tuple(frame.seq for frame in reads[0].frames)
    gapless = Expected("order.seq-gapless", f"the numbers of {name}", tuple(range(1, len(numbers) + 1)), numbers)
    return reads[1].evidence(*expected, gapless)


def _shared_llm(consumer: Consumer) -> Evidence:
    """Two calls of one LLM object that are open together."""
    llm = consumer.llm()
    scripts = [Script((f"{name}1", Block("held"), f"{name}2")) for name in ("left", "right")]

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


def _emitting(consumer: Consumer) -> Evidence:
    """A consumer that publishes something itself in the middle of reading, where no session is around it."""
    session, stranger = consumer.open(_MEET), consumer.flow(_MEET)
    consumer.stage.release("held")

    def read() -> Iterator[AnyFrame]:
        for place, frame in enumerate(session):
            if place == 0:
                consumer.subject.emit(stranger, "outside")
            yield frame

    async def aread() -> AsyncIterator[AnyFrame]:
        place = 0
        async for frame in session:
            if place == 0:
                consumer.subject.emit(stranger, "outside")
            place += 1
            yield frame

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = consumer.read(read() if consumer.is_sync else aread())
    return seen.evidence(*heard("scope.isolated", "the session of a consumer that emits", _MEET_MARKS, seen))


def _nested(consumer: Consumer, *, streamed: bool, levels: int = 1) -> Evidence:
    """A flow inside a flow, and perhaps that in another, run plainly or as sessions of their own that are read inside."""
    inner = consumer.flow_program(Method("inside", (Emit("inner"), Ask())), name="InnerFlow")
    for _ in range(levels - 1):
        inner = consumer.flow_program(Method("between", (Nest(inner, streamed),)), name="FlowBetween")
    steps = (Emit("before"), Nest(inner, streamed), Emit("after"))
    read = consumer.read_session(consumer.flow_program(Method("outside", steps)))
    text = Script().text
    expected = [*heard("scope.nested", "the outer session", ("before", "inner", "after", text), read)]
    inner_frames = consumer.stage.noted("inner")
    for place, frames in enumerate(inner_frames):
        flows = ("FlowBetween",) * place + ("InnerFlow",)
        expected += _shows("an inner session", ("inner", text), flows, frames)
    if streamed:
        expected.append(Expected("scope.nested", "how many inner sessions were read", levels, len(inner_frames)))
    return read.evidence(*expected)


def _shows(session: str, due: tuple[str, ...], flows: tuple[str, ...], frames: list[AnyFrame]) -> Iterator[Expected]:
    """Hold a session inside to what is its own: the marks in it, and the flows that begin in it."""
    yield from held("scope.nested", session, due, marks(frames))
    begun = tuple(frame.data.get("flow_name") for frame in frames if frame.type == "flow_started")
    yield Expected("scope.nested", f"the flows that {session} shows", flows, begun)


def _nested_beside(consumer: Consumer) -> Evidence:
    """A flow that emits in one method while an inner session is open in another."""
    inner = consumer.flow_program(Method("inside", (Emit("inner"), Block("held"), Emit("more"))), name="InnerFlow")
    program = consumer.flow_program(
        Method("outside", (Nest(inner, streamed=True),)),
        Method("beside", (Block("begun"), Emit("outer"), Reach("emitted"))),
    )
    loops = consumer.begin([consumer.open(program)])
    consumer.await_reached("held")
    consumer.stage.release("begun")
    consumer.await_reached("emitted")
    (read,) = consumer.read_held(loops)
    expected = [*heard("scope.nested", "the outer session", ("inner", "outer", "more"), read)]
    inner_frames = consumer.stage.noted("inner")
    for frames in inner_frames:
        expected += _shows("an inner session beside another method", ("inner", "more"), ("InnerFlow",), frames)
    expected.append(Expected("scope.nested", "how many inner sessions were read", 1, len(inner_frames)))
    return read.evidence(*expected)


def _inner_call(consumer: Consumer) -> Evidence:
    """A call of a model that is read as a session of its own inside a flow."""
    read = consumer.read_session(consumer.flow_program(Method("asks", (Emit("before"), Ask(as_session=True)))))
    text, inner_frames = Script().text, consumer.stage.noted("inner")
    expected = [*heard("scope.nested", "the flow's session", ("before", text), read)]
    for frames in inner_frames:
        expected += _shows("the session of the call inside", (text,), (), frames)
    expected.append(Expected("scope.nested", "how many calls inside were read", 1, len(inner_frames)))
    return read.evidence(*expected)


def _spawned(consumer: Consumer, *, with_context: bool) -> Evidence:
    """A method that starts a thread, which emits."""
    steps = (Emit("one"), Spawn((Emit("from-thread"),), with_context), Emit("two"))
    program = FlowProgram((Method("spawns", steps),))
    name = f"the only session, by {'context' if with_context else 'source'},"
    read = consumer.read_session(program)
    return read.evidence(*heard("scope.worker-threads", name, ("one", "from-thread", "two"), read))


def _stray(
    consumer: Consumer, whose: Literal["its own", "shared", "a stranger"], *, after_others: bool = False
) -> Evidence:
    """A thread that the run did not start emits: from the flow of the one open session, of two, or of none.

    Where it comes `after_others`, it has emitted from a flow of no session just before.
    """
    flow, stranger = consumer.flow(_MEET), consumer.flow(_MEET)
    source = stranger if whose == "a stranger" else flow
    sessions = [consumer.stream(flow) for _ in range(2 if whose == "shared" else 1)]

    def emit() -> None:
        if after_others:
            consumer.subject.emit(stranger, "elsewhere")
        consumer.subject.emit(source, "stray")

    loops = consumer.begin(sessions)
    consumer.await_reached("held", len(sessions))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        emitter = threading.Thread(target=emit, name="stray", daemon=True)
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


def _captured(consumer: Consumer, stream: bool | None, *, in_async: bool = False, in_thread: bool = False) -> Evidence:
    """A flow that calls a model, which says nothing of streaming, or says that it does or does not."""
    ask: Step = Ask(stream=stream)
    steps = (Spawn((ask,), with_context=True),) if in_thread else (ask,)
    program = FlowProgram((Method("asks", steps, is_async=in_async),))
    read = consumer.read_session(program)
    chunks = tuple(frame.content for frame in read.frames if frame.type == "llm_stream_chunk")
    requested = consumer.provider.requested_streams()[0]
    return read.evidence(*captured(stream, Script().text, chunks, requested=requested))


_ISOLATED: Final = frozenset({"scope.isolated", "order.seq-gapless", "order.previous-earlier"})
_NESTED: Final = frozenset({"scope.nested", "order.seq-gapless"})
_THREADS: Final = frozenset({"scope.worker-threads"})
_THREADED: Final = "flow threads"

SCENARIOS: Final = Scenarios()
SCENARIOS.both("beside/one-class", _ISOLATED, "flow", _beside, "class")
SCENARIOS.both("beside/one-object", _ISOLATED, "flow", _beside, "object")
SCENARIOS.both("beside/one-llm", _ISOLATED, "llm", _shared_llm)
SCENARIOS.both("beside/its-consumer", _ISOLATED, "flow", _emitting)
SCENARIOS.both("nested/beside-another-method", _NESTED, "flow", _nested_beside)
SCENARIOS.both("nested/plain", _NESTED, "flow llm", _nested, streamed=False)
SCENARIOS.both("nested/streamed", _NESTED, "flow llm", _nested, streamed=True)
SCENARIOS.both("nested/twice", _NESTED, "flow llm", _nested, streamed=True, levels=2)
SCENARIOS.both("nested/call", _NESTED, "flow llm", _inner_call)
SCENARIOS.both("thread/with-context", _THREADS, _THREADED, _spawned, with_context=True)
SCENARIOS.both("thread/by-source", _THREADS, _THREADED, _spawned, with_context=False)
SCENARIOS.both("thread/stray/own-source", _THREADS, _THREADED, _stray, "its own")
SCENARIOS.both("thread/stray/shared-source", _THREADS, _THREADED, _stray, "shared")
SCENARIOS.both("thread/stray/strange-source", _THREADS, _THREADED, _stray, "a stranger")
_LINKED: Final = _THREADS | {"order.previous-earlier"}
SCENARIOS.both("thread/stray/after-others", _LINKED, _THREADED, _stray, "its own", after_others=True)
SCENARIOS.both("awaited-emit", {"scope.aemit"}, "flow async", _awaited)
for _name, _stream in STREAM_SETTINGS.items():
    for _method, _in_async in crews.METHODS.items():
        _id = f"captured/told-{_name}/{_method}"
        SCENARIOS.both(_id, {"scope.captures-llm"}, "flow llm", _captured, _stream, in_async=_in_async)
_CAPTURED: Final = frozenset({"scope.captures-llm"})
SCENARIOS.both("captured/in-thread", _CAPTURED, "flow llm threads", _captured, None, in_thread=True)
for _more in (turns, crews, crew_kinds):
    SCENARIOS.extend(_more.SCENARIOS)
