"""Sessions that are closed in every way while their run is blocked in every place.

The consumer has a thread; whoever watches it releases what is blocked only once closing has come back, or should have.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from msgspec import Struct

from conformance.areas.cleanup.closers import CLOSERS, PLAINEST, Closing, close_blocked
from conformance.areas.turn.conversation import first_turn
from conformance.stage.census import ENDING_S, Census
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.patience import ends
from conformance.stage.points import StageError
from conformance.stage.programs import (
    Ask,
    Block,
    CallProgram,
    ConversationProgram,
    CrewProgram,
    Emit,
    FlowProgram,
    Give,
    Method,
    Nest,
    Program,
    Reach,
    Script,
    ScriptedToolCall,
    Step,
    TaskProgram,
)
from conformance.stage.reader import KINDS, SessionKind
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, Expected

_HEAD: Final = Ask(Script(hold_head="held"))
_BODY: Final = Ask(Script(("Hel", Block("held"), "lo")), stream=True)
#: Behind the event that comes first after the block: a run that comes here has not been stopped.
_LATER: Final = ("went-on", "began-next")


class Place(Struct, frozen=True):
    """Where a run is blocked, at the point `held`."""

    name: str
    description: str
    program: Program | ConversationProgram
    needs: str
    #: How many connections to the provider are open there.
    asks: int = 0
    #: How often the run has come to the point by then.
    times: int = 1


def _flow(*steps: Step, is_async: bool = False) -> FlowProgram:
    return FlowProgram(
        (
            Method("first", (Emit("one"), *steps, Emit("two"), Reach("went-on"), Give(None)), is_async=is_async),
            Method("next", (Reach("began-next"),), after=("first",)),
        )
    )


_NESTED_HEAD, _NESTED_BODY = (
    Nest(FlowProgram((Method("inside", (ask,)),), name="InnerFlow"), streamed=True) for ask in (_HEAD, _BODY)
)
_HANDLER: Final = Method("waits", (Emit("one"), Block("held"), Emit("two"), Reach("went-on")))
_TOOLS: Final = Ask(
    Script((ScriptedToolCall("wait", ("{}",)), ScriptedToolCall("next", ("{}",)))),
    functions={"wait": Block("held"), "next": Reach("began-next")},
)
_CREW: Final = Nest(CrewProgram((TaskProgram("greet", _HEAD.script),)))
_SIDE_BY_SIDE: Final = FlowProgram(tuple(Method(name, (Emit(name), _BODY)) for name in ("left", "right")))
_USING: Final = "flow llm tools"
PLACES: Final = (
    Place("sync-method", "a sync method", _flow(Block("held")), "flow"),
    Place("async-method", "an async method", _flow(Block("held"), is_async=True), "flow"),
    Place("provider-head", "a provider's head", _flow(_HEAD), "flow llm", asks=1),
    Place("provider-body", "a provider's body", _flow(_BODY), "flow llm", asks=1),
    Place("async-provider-head", "a provider's head, awaited", _flow(_HEAD, is_async=True), "flow llm", asks=1),
    Place("async-provider-body", "a provider's body, awaited", _flow(_BODY, is_async=True), "flow llm", asks=1),
    Place(
        "nested-provider-head", "a provider's head in a streamed flow inside", _flow(_NESTED_HEAD), "flow llm", asks=1
    ),
    Place(
        "nested-provider-body", "a provider's body in a streamed flow inside", _flow(_NESTED_BODY), "flow llm", asks=1
    ),
    Place("side-by-side", "two providers' bodies at once", _SIDE_BY_SIDE, "flow llm", asks=2, times=2),
    Place("tool", "a tool that a call runs", _flow(_TOOLS), _USING),
    Place("awaited-tool", "a tool that an awaited call runs", _flow(_TOOLS, is_async=True), _USING),
    Place("crew", "the head of a crew's provider", _flow(_CREW), "flow llm crew", asks=1),
    Place(
        "awaited-crew",
        "the head of an awaited crew's provider",
        _flow(_CREW, is_async=True),
        "flow llm crew",
        asks=1,
    ),
    Place("call-head", "the head of a direct call", CallProgram(_HEAD), "llm", asks=1),
    Place("call-body", "the body of a direct call", CallProgram(_BODY), "llm", asks=1),
    Place("turn-handler", "a handler of a turn", ConversationProgram((_HANDLER,)), "flow llm turn"),
    Place("turn-answer", "the answer of a turn", ConversationProgram(), "flow llm turn", asks=1),
)
#: What leaves a block, and so must have closed the session; and what ends the consumer of an async one.
_LEAVES: Final = ("with", "consumer-error")
_CANCELS: Final = ("with", "cancelled-consumer")
_NAMES: Final = {
    "close": "close()",
    "aclose": "aclose()",
    "with": "leaving the block",
    "collected": "dropping the last reference",
    "consumer-error": "an exception in the consumer",
    "other-thread": "close() by another thread",
    "cancelled-consumer": "cancelling the consumer",
}
_ARTICLES: Final = {"sync": "a sync", "async": "an async"}
#: The places that every way of closing is tried in; the others are closed in the plainest way.
_THOROUGH: Final = ("sync-method", "async-method", "provider-body", "call-head")


def _closed(watcher: Consumer, how: str, place: Place) -> Evidence:
    kind, subject, performance, stage = watcher.kind, watcher.subject, watcher.performance, watcher.stage
    census = Census(performance.provider.port)
    closing = Closing(times=place.times)

    def consume() -> None:
        def made() -> Any:
            if isinstance(place.program, ConversationProgram):
                flow = subject.conversation(place.program, performance)
                return first_turn(kind, flow, place.program, performance, _BODY.script)
            return (subject.session if kind == "sync" else subject.asession)(place.program, performance)

        try:
            close_blocked(kind, how, made, performance, closing)
        except BaseException as error:
            closing.failed.append(error)
            # Nobody needs to wait for a run that will not begin.
            for _ in range(place.times):
                stage.reach("held")

    consumer = threading.Thread(target=consume, name="consumer", daemon=True)
    consumer.start()
    stage.await_reached("held", place.times)
    returned = ends(consumer, ENDING_S)
    asks = place.asks if closing.is_blocked else 0
    disconnected = stage.comes_to("held:disconnected", ENDING_S, asks) if asks else None
    stage.release("held")
    census.threads_left()
    if closing.failed:
        raise closing.failed[0]
    if consumer.is_alive():
        raise StageError(f"the consumer did not come back from closing ({how}), although nothing is blocked any more")
    session = closing.session
    frames = () if session is None else tuple(session.frames)
    reached = tuple(point for point in _LATER if stage.has_reached(point))
    aspect = f"{_NAMES[how]} of {_ARTICLES[kind]} session, blocked in {place.description},"
    expected = [
        Expected("cleanup.close-prompt", f"whether {aspect} came back before the run was let go on", True, returned),
        Expected("cleanup.close-prompt", aspect, NOTHING, closing.raised),
        Expected("cleanup.work-stops", f"points that the run came to after {aspect}", (), reached),
        Expected("cleanup.no-leaks", f"tasks in the loop after {aspect}", (), closing.left_behind),
    ]
    if disconnected is not None:
        what = "connection" if place.asks == 1 else f"{place.asks} connections"
        expected.append(Expected("cleanup.work-stops", f"whether {aspect} ended the {what}", True, disconnected))
    if session is not None:
        later = len(frames) - (closing.frames_then or 0)
        expected.append(Expected("cleanup.no-late-frames", f"frames that were appended after {aspect}", 0, later))
        cancelled = bool(session.is_cancelled)
        if how in _LEAVES:
            expected.append(Expected("cleanup.context-exit", f"is_cancelled after {aspect}", True, cancelled))
        if kind == "async" and how in _CANCELS:
            expected.append(Expected("cleanup.async-cancel", f"is_cancelled after {aspect}", True, cancelled))
            expected.append(
                Expected("cleanup.async-cancel", f"points that the run came to after {aspect}", (), reached)
            )
            expected.append(
                Expected("cleanup.async-cancel", f"whether it went on after {aspect}", False, closing.outlived_cancel)
            )
    return Evidence(frames, "closed", expected=tuple(expected))


def _clauses(kind: SessionKind, how: str) -> set[str]:
    clauses = {"cleanup.close-prompt", "cleanup.work-stops", "cleanup.no-leaks"}
    if how != "collected":
        clauses.add("cleanup.no-late-frames")
    if how in _LEAVES:
        clauses.add("cleanup.context-exit")
    if kind == "async" and how in _CANCELS:
        clauses.add("cleanup.async-cancel")
    return clauses


SCENARIOS: Final = Scenarios()
for _place in PLACES:
    for _kind in KINDS:
        for _how in CLOSERS[_kind] if _place.name in _THOROUGH else (PLAINEST[_kind],):
            _id = f"close/{_place.name}/{_how}/{_kind}"
            SCENARIOS.of_kind(_kind, _id, _clauses(_kind, _how), _place.needs, _closed, _how, _place)
