"""Sessions beside each other and inside each other, and what threads and models add to them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, Literal

from conformance.areas.observations import Captured, Heard
from conformance.stage.consumer import Begun, Consumer, Observe, Taken, both
from conformance.stage.points import DEADLINE_S
from conformance.stage.programs import Ask, Block, Emit, FlowProgram, HoldBody, Method, Nest, Script, Spawn, Text
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject, offered
from conformance.timeline.evidence import Evidence
from conformance.timeline.frame_like import FrameLike

Shared = Literal["class", "object"]

_MEET: Final = FlowProgram(
    (
        Method("meets", (Emit("one"), Block("held"), Emit("two"))),
        Method("spawns", (Spawn((Emit("three"),), with_context=True),), after=("meets",)),
    )
)
_MEET_MARKS: Final = ("one", "two", "three")


def marks(frames: Iterable[FrameLike]) -> tuple[str, ...]:
    """Return what programs put into their events, in order, and the text that models said, as one."""
    frames = tuple(frames)
    notes = [str(frame.data["note"]) for frame in frames if frame.type == "probe"]
    text = "".join(frame.content for frame in frames if frame.type == "llm_stream_chunk")
    return (*notes, text) if text else tuple(notes)


def _stream(consumer: Consumer, flow: Any) -> Any:
    """Return a session of a flow object that may have others."""
    if consumer.is_sync:
        return consumer.keep(flow.stream_events())

    async def make() -> Any:
        return flow.astream()

    return consumer.keep(consumer.complete(make()))


def _all_open(consumer: Consumer, sessions: list[Any]) -> Begun:
    """Begin every session, and wait until all of them are in the middle."""
    begun = consumer.begin(sessions)
    consumer.await_reached("held", len(sessions))
    return begun


def _beside(shared: Shared) -> Observe:
    """Two sessions of one flow class, or of one flow object, that are open together."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        flow = subject.flow(_MEET, performance)
        twin = flow if shared == "object" else type(flow)()
        sessions = [_stream(consumer, one) for one in (flow, twin)]
        begun = _all_open(consumer, sessions)
        performance.stage.release("held")
        taken = begun.read_on()
        name = f"one of two sessions on one flow {shared}"
        return _heard(taken, [Heard("isolated", name, _MEET_MARKS, marks(one.frames), one.raised) for one in taken])

    return observe


def _one_llm(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Two calls of one LLM object that are open together."""
    llm = subject.llm(performance)
    scripts = [Script((Text(f"{name}1"), HoldBody("held"), Text(f"{name}2"))) for name in ("left", "right")]

    def call(script: Script) -> Any:
        prompt = performance.provider.prompt_for(script)
        if consumer.is_sync:
            return consumer.keep(offered(llm, "stream_events", "entry.llm")(prompt))

        async def make() -> Any:
            return offered(llm, "astream", "entry.llm-async")(prompt)

        return consumer.keep(consumer.complete(make()))

    sessions = [call(script) for script in scripts]
    begun = _all_open(consumer, sessions)
    performance.stage.release("held")
    taken = begun.read_on()
    name = "one of two calls of one LLM"
    return _heard(
        taken,
        [
            Heard("isolated", name, (script.text,), marks(one.frames), one.raised)
            for script, one in zip(scripts, taken, strict=True)
        ],
    )


def _nested(*, streamed: bool) -> Observe:
    """A flow inside a flow, run plainly or as a session of its own that is read inside."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        in_loop = not consumer.is_sync
        inner = FlowProgram((Method("inside", (Emit("inner"), Ask()), is_async=in_loop),), name="InnerFlow")
        steps = (Emit("before"), Nest(inner, streamed), Emit("after"))
        taken = consumer.read(consumer.open(FlowProgram((Method("outside", steps, is_async=in_loop),))))
        text = Script().text
        seen = [
            Heard("nested-outer", "the outer session", ("before", "inner", "after", text), marks(taken.frames)),
            *(
                Heard("nested-inner", "the inner session", ("inner", text), marks(frames))
                for frames in performance.stage.noted("inner")
            ),
        ]
        if streamed and len(seen) == 1:
            seen.append(Heard("nested-inner", "the inner session, which was not read,", ("inner", text), ()))
        return _heard([taken], [replace(one, raised=taken.raised) for one in seen])

    return observe


def _spawned(*, with_context: bool) -> Observe:
    """A method that starts a thread, which emits."""
    steps = (Emit("one"), Spawn((Emit("from-thread"),), with_context), Emit("two"))
    program = FlowProgram((Method("spawns", steps),))
    situation: Literal["by-context", "by-source"] = "by-context" if with_context else "by-source"

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            taken = consumer.read(consumer.open(program))
        heard = Heard(
            situation, "the only session", ("one", "from-thread", "two"), marks(taken.frames), taken.raised, bool(given)
        )
        return _heard([taken], [heard])

    return observe


def _stray(whose: Literal["its own", "shared", "a stranger"]) -> Observe:
    """A thread that the run did not start emits: from the flow of the one open session, of two, or of none."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        flow = subject.flow(_MEET, performance)
        source = subject.flow(_MEET, performance) if whose == "a stranger" else flow
        sessions = [_stream(consumer, flow) for _ in range(2 if whose == "shared" else 1)]
        begun = _all_open(consumer, sessions)
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            emitter = threading.Thread(target=subject.emit, args=(source, "stray"), name="stray", daemon=True)
            emitter.start()
            emitter.join(DEADLINE_S)
        performance.stage.release("held")
        taken = begun.read_on()
        clear = whose == "its own"
        expected = ("one", "stray", "two", "three") if clear else _MEET_MARKS
        situation: Literal["by-source", "unclear"] = "by-source" if clear else "unclear"
        name = "the only session" if len(sessions) == 1 else "one of two sessions with the same source"
        return _heard(
            taken, [Heard(situation, name, expected, marks(one.frames), one.raised, bool(given)) for one in taken]
        )

    return observe


def _awaited(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    program = FlowProgram((Method("emits", (Emit("one", awaited=True), Emit("two", awaited=True)), is_async=True),))
    taken = consumer.read(consumer.open(program))
    return _heard([taken], [Heard("awaited-emit", "the session", ("one", "two"), marks(taken.frames), taken.raised)])


def _captured(told: bool | None, *, in_async: bool) -> Observe:
    """A flow that calls a model, which says nothing of streaming, or says that it does or does not."""
    program = FlowProgram((Method("asks", (Ask(stream=told),), is_async=in_async),))

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        taken = consumer.read(consumer.open(program))
        with performance.provider.lock:
            asked = bool(performance.provider.log.requests[0].get("stream"))
        chunks = tuple(frame.content for frame in taken.frames if frame.type == "llm_stream_chunk")
        return Evidence(taken.frames, _ended(taken), observations=(Captured(told, chunks, Script().text, asked),))

    return observe


def _heard(taken: list[Taken], seen: list[Heard]) -> Evidence:
    return Evidence(taken[0].frames, _ended(taken[0]), observations=tuple(seen))


def _ended(taken: Taken) -> Literal["exhausted", "failed"]:
    return "exhausted" if taken.raised is None else "failed"


_FLOW: Final = frozenset({"flow"})
_BOTH: Final = frozenset({"flow", "llm"})
_ISOLATED: Final = frozenset({"scope.isolated", "order.seq-gapless"})
_NESTED: Final = frozenset({"scope.nested", "order.seq-gapless"})
_THREADS: Final = frozenset({"scope.worker-threads"})
_THREADED: Final = frozenset({"flow", "threads"})
_TOLD: Final = {"nothing": None, "to-stream": True, "not-to-stream": False}

SCENARIOS: tuple[Scenario, ...] = (
    *both("beside/one-class", _ISOLATED, _beside("class"), _FLOW),
    *both("beside/one-object", _ISOLATED, _beside("object"), _FLOW),
    *both("beside/one-llm", _ISOLATED, _one_llm, frozenset({"llm"})),
    *both("nested/plain", _NESTED, _nested(streamed=False), _BOTH),
    *both("nested/streamed", _NESTED, _nested(streamed=True), _BOTH),
    *both("thread/with-context", _THREADS, _spawned(with_context=True), _THREADED),
    *both("thread/by-source", _THREADS, _spawned(with_context=False), _THREADED),
    *both("thread/stray/own-source", _THREADS, _stray("its own"), _THREADED),
    *both("thread/stray/shared-source", _THREADS, _stray("shared"), _THREADED),
    *both("thread/stray/strange-source", _THREADS, _stray("a stranger"), _THREADED),
    *both("awaited-emit", frozenset({"scope.aemit"}), _awaited, _FLOW | {"async"}),
    *(
        one
        for name, told in _TOLD.items()
        for in_async in (False, True)
        for one in both(
            f"captured/told-{name}/{'async' if in_async else 'sync'}-method",
            frozenset({"scope.captures-llm"}),
            _captured(told, in_async=in_async),
            _BOTH,
        )
    ),
)
