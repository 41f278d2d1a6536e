"""Sessions that are closed, in every way there is, while their run is blocked in every place there is.

The consumer has a thread of its own; whoever watches it releases what is blocked only after closing has come back, or
should have.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from conformance.areas.observations import Closed
from conformance.areas.turn.conversing import TURN, FirstTurn
from conformance.stage.census import ENDING_S, Census, tasks_left
from conformance.stage.consumer import KINDS, Kind, attempt
from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.programs import (
    Ask,
    Block,
    CallProgram,
    ConversationProgram,
    Emit,
    FlowProgram,
    Give,
    HoldBody,
    Method,
    Program,
    Reach,
    Script,
    Step,
    Text,
)
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence

_HEAD: Final = Ask(Script(hold_head="held"))
_BODY: Final = Ask(Script((Text("Hel"), HoldBody("held"), Text("lo"))), stream=True)
#: Behind the event that comes first after the block: a run that comes here has not been stopped.
_LATER: Final = ("went-on", "began-next")


@dataclass(frozen=True)
class Place:
    """Where a run is blocked, at the point `held`."""

    name: str
    what: str
    program: Program | FirstTurn
    needs: frozenset[str]
    asks: bool = False


def _flow(*steps: Step, is_async: bool = False) -> FlowProgram:
    return FlowProgram(
        (
            Method("first", (Emit("one"), *steps, Emit("two"), Reach("went-on"), Give(None)), is_async=is_async),
            Method("next", (Reach("began-next"),), after=("first",)),
        )
    )


_HANDLER: Final = Method("waits", (Emit("one"), Block("held"), Emit("two"), Reach("went-on")))
_LLM: Final = frozenset({"llm"})
_BOTH: Final = frozenset({"flow", "llm"})
PLACES: Final = (
    Place("sync-method", "a sync method", _flow(Block("held")), frozenset({"flow"})),
    Place("async-method", "an async method", _flow(Block("held"), is_async=True), frozenset({"flow"})),
    Place("provider-head", "a provider's head", _flow(_HEAD), _BOTH, asks=True),
    Place("provider-body", "a provider's body", _flow(_BODY), _BOTH, asks=True),
    Place("async-provider-head", "a provider's head, awaited", _flow(_HEAD, is_async=True), _BOTH, asks=True),
    Place("async-provider-body", "a provider's body, awaited", _flow(_BODY, is_async=True), _BOTH, asks=True),
    Place("call-head", "the head of a direct call", CallProgram(_HEAD), _LLM, asks=True),
    Place("call-body", "the body of a direct call", CallProgram(_BODY), _LLM, asks=True),
    Place("turn-handler", "a handler of a turn", FirstTurn(ConversationProgram((_HANDLER,))), _BOTH | TURN),
    Place(
        "turn-answer", "the answer of a turn", FirstTurn(ConversationProgram(), _BODY.script), _BOTH | TURN, asks=True
    ),
)
_SUITE: Final = Path(__file__).parents[2]
#: How often a thread is looked at, in seconds, and how often it must be found in one place to count as waiting there.
_LOOK_S: Final = 0.001
_STILL: Final = 20
#: The places that every way of closing is tried in; the others are closed in the plainest way.
_THOROUGH: Final = ("sync-method", "async-method", "provider-body", "call-head")


@dataclass
class _Told:
    """What the consumer has seen when it has come back from closing."""

    session: Any = None
    frames: tuple[Any, ...] = ()
    frames_then: int | None = None
    raised: BaseException | None = None
    left_behind: tuple[str, ...] = ()
    #: What kept the consumer from closing at all; it is raised by whoever watches.
    failed: list[BaseException] = field(default_factory=list)


class _ConsumerError(Exception):
    """Raised by a consumer in the middle of its loop."""


def _begin(session: Any, performance: Performance) -> Any:
    iterator = iter(session)
    next(iterator)
    performance.stage.await_reached("held")
    return iterator


def _consume(how: str, make: Callable[[], Any], performance: Performance, told: _Told) -> None:
    if how == "collected":
        session = make()
        iterator = _begin(session, performance)
        del session, iterator
        gc.collect()
        return
    session = told.session = make()
    iterator = _begin(session, performance)
    if how == "close":
        told.raised = attempt(partial(_close, session))
    elif how == "with":

        def leave() -> None:
            with session:
                return

        told.raised = attempt(leave)
    elif how == "consumer-error":

        def fail() -> None:
            with session:
                raise _ConsumerError

        told.raised = _but_own(attempt(fail))
    else:
        closer = _closer(session, told, reader=threading.current_thread())
        attempt(lambda: list(iterator))
        closer.join(ENDING_S)
    told.frames_then = len(session.frames)


async def _aconsume(how: str, make: Callable[[], Any], performance: Performance, told: _Told) -> None:
    if how == "collected":
        await _drop(make, performance)
        gc.collect()
    else:
        session = told.session = make()
        await _aclose(how, session, performance, told)
        told.frames_then = len(session.frames)
    # For less time than the loop's end is waited for: a task that stays must not look like a loop that hangs.
    own = [task for task in [asyncio.current_task()] if task is not None]
    told.left_behind = await tasks_left(own, ENDING_S / 4)


async def _drop(make: Callable[[], Any], performance: Performance) -> None:
    session = make()
    iterator = aiter(session)
    await anext(iterator)
    await performance.stage.aawait_reached("held")


async def _aclose(how: str, session: Any, performance: Performance, told: _Told) -> None:
    async def read() -> None:
        async for _ in session:
            pass

    if how == "cancelled-consumer":
        reader = asyncio.create_task(read(), name="reader")
        await performance.stage.aawait_reached("held")
        reader.cancel()
        await asyncio.wait({reader}, timeout=ENDING_S)
        return
    iterator = aiter(session)
    await anext(iterator)
    await performance.stage.aawait_reached("held")
    if how == "close":
        told.raised = attempt(partial(_close, session))
    elif how == "other-thread":
        reader = asyncio.create_task(read(), name="reader")
        closer = await asyncio.to_thread(_closer, session, told)
        await asyncio.to_thread(closer.join, ENDING_S)
        await asyncio.wait({reader}, timeout=ENDING_S)
    else:
        leave = session.aclose() if how == "aclose" else _leave_block(how, session)
        try:
            await leave
        except BaseException as error:
            told.raised = _but_own(error)


async def _leave_block(how: str, session: Any) -> None:
    async with session:
        if how == "consumer-error":
            raise _ConsumerError


def _closer(session: Any, told: _Told, reader: threading.Thread | None = None) -> threading.Thread:
    """Return a thread that closes the session, once `reader` waits for its next frame."""

    def close() -> None:
        if reader is not None:
            _await_waiting(reader)
        told.raised = attempt(partial(_close, session))

    thread = threading.Thread(target=close, name="closer", daemon=True)
    thread.start()
    return thread


def _await_waiting(reader: threading.Thread) -> None:
    """Wait until a thread of the suite stands still in code of the subject's, which alone knows what it waits for."""
    look, deadline = threading.Event(), monotonic() + DEADLINE_S
    place, still = None, 0
    while still < _STILL and monotonic() < deadline and reader.is_alive():
        frame = sys._current_frames().get(reader.ident or 0)
        inside = frame is not None and not Path(frame.f_code.co_filename).is_relative_to(_SUITE)
        found = (id(frame), frame.f_lasti) if frame is not None and inside else None
        place, still = found, still + 1 if found is not None and found == place else 0
        look.wait(_LOOK_S)


def _close(session: Any) -> None:
    session.close()


def _but_own(error: BaseException | None) -> BaseException | None:
    return None if isinstance(error, _ConsumerError) else error


_HOWS: Final[dict[Kind, tuple[str, ...]]] = {
    "sync": ("close", "with", "collected", "consumer-error", "other-thread"),
    "async": ("close", "aclose", "with", "collected", "consumer-error", "other-thread", "cancelled-consumer"),
}
#: How a session of either kind is closed where one way must do.
_PLAIN: Final[dict[Kind, str]] = {"sync": "close", "async": "aclose"}


def _closed(kind: Kind, how: str, place: Place, subject: Subject, performance: Performance) -> Evidence:
    stage = performance.stage
    census = Census(performance.provider.port)
    told = _Told()

    def consume() -> None:
        def made() -> Any:
            if isinstance(place.program, FirstTurn):
                return place.program.session(kind, subject, performance)
            return (subject.session if kind == "sync" else subject.asession)(place.program, performance)

        try:
            if kind == "sync":
                _consume(how, made, performance, told)
            else:
                asyncio.run(_aconsume(how, made, performance, told))
        except BaseException as error:
            told.failed.append(error)
            # Nobody needs to wait for a run that will not begin.
            stage.reach("held")

    consumer = threading.Thread(target=consume, name="consumer", daemon=True)
    consumer.start()
    stage.await_reached("held")
    consumer.join(ENDING_S)
    returned = not consumer.is_alive()
    disconnected = stage.comes_to("held:disconnected", ENDING_S) if place.asks else None
    stage.release("held")
    census.threads_left()
    if told.failed:
        raise told.failed[0]
    if consumer.is_alive():
        raise StageError(f"the consumer did not come back from closing ({how}), although nothing is blocked any more")
    session = told.session
    frames = () if session is None else tuple(session.frames)
    seen = Closed(
        kind,
        how,
        place.what,
        returned,
        told.raised,
        told.frames_then,
        None if session is None else len(frames),
        tuple(point for point in _LATER if stage.has_reached(point)),
        disconnected,
        None if session is None else bool(session.is_cancelled),
        told.left_behind,
    )
    return Evidence(frames, "closed", observations=(seen,))


def _scenario(kind: Kind, how: str, place: Place) -> Scenario:
    def observe(subject: Subject, performance: Performance) -> Evidence:
        return _closed(kind, how, place, subject, performance)

    clauses = {"cleanup.close-prompt", "cleanup.work-stops", "cleanup.no-leaks"}
    if how != "collected":
        clauses.add("cleanup.no-late-frames")
    if how in ("with", "consumer-error"):
        clauses.add("cleanup.context-exit")
    if kind == "async" and how in ("with", "cancelled-consumer"):
        clauses.add("cleanup.async-cancel")
    needs = place.needs | ({"async"} if kind == "async" else frozenset())
    return Scenario(f"close/{place.name}/{how}/{kind}", frozenset(clauses), observe, needs)


SCENARIOS: tuple[Scenario, ...] = tuple(
    _scenario(kind, how, place)
    for place in PLACES
    for kind in KINDS
    for how in (_HOWS[kind] if place.name in _THOROUGH else (_PLAIN[kind],))
)
