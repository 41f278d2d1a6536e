"""Closing at other times than in the middle, and leaving blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from conformance.areas.cleanup import blocked_runs, exits, leaks
from conformance.areas.turn.conversation import opened
from conformance.stage.census import ENDING_S
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.points import StageError
from conformance.stage.programs import CallProgram, ConversationProgram, Emit, FlowProgram, Method, Program, Reach
from conformance.stage.reader import attempt, close_session, in_thread
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, Expected, Same

_PLAIN: Final = FlowProgram((Method("first", (Reach("began"), Emit("one"), Emit("two"))),))
_CALL: Final = CallProgram()


def _close_calls(consumer: Consumer, program: Program) -> Evidence:
    """Close twice, by another thread, before the first frame, and after the end."""
    expected: list[Expected] = []
    calls: dict[str, Callable[[Any], None]] = {"close()": close_session, "close() by another thread": _close_in_thread}
    if not consumer.is_sync:
        calls["aclose()"] = lambda session: consumer.complete(session.aclose())
    frames: tuple[Any, ...] = ()
    for name, call in calls.items():
        unstarted = consumer.open(program)
        expected += _closed(f"{name} before the first frame", unstarted, call)
        expected += _closed(f"a second {name}", unstarted, call)
        begun = consumer.open(program)
        consumer.take(consumer.iterate(begun), 1)
        expected += _closed(f"{name} after the first frame", begun, call)
        expected += _closed(f"a second {name} after the first frame", begun, call)
        read = consumer.open(program)
        frames = consumer.read(read).frames
        expected += _closed(f"{name} after the end", read, call)
        expected += _closed(f"a second {name} after the end", read, call)
    return Evidence(frames, "exhausted", expected=tuple(expected))


def _closed(aspect: str, session: Any, call: Callable[[Any], None]) -> Iterator[Expected]:
    """Close a session: what is at its end stays as it is."""
    before = _state(session)
    raised = attempt(lambda: call(session))
    after = _state(session)
    yield Expected("cleanup.idempotent", aspect, NOTHING, raised)
    if raised is None:
        yield Expected("cleanup.idempotent", f"is_completed after {aspect}", True, after[0])
        if any(before):
            states = f"is_completed, is_exhausted and is_cancelled after {aspect}"
            yield Expected("cleanup.idempotent", states, before, after)


def _state(session: Any) -> tuple[bool, bool, bool]:
    return bool(session.is_completed), bool(session.is_exhausted), bool(session.is_cancelled)


def _close_in_thread(session: Any) -> None:
    returned, raised = in_thread(partial(close_session, session), ENDING_S)
    if not returned:
        raise StageError("it did not come back")
    if raised is not None:
        raise raised


def _unstarted(consumer: Consumer, program: Program | ConversationProgram) -> Iterator[Expected]:
    """Close a session that nobody has read, by `close()` and by leaving its block, and then read it."""
    clause = "cleanup.close-before-start"

    def leave(session: Any) -> None:
        consumer.made(partial(_leave_block, consumer, session))

    for how, close in (("close()", consumer.close), ("leaving its block", leave)):
        session = opened(consumer, program)
        close(session)
        read = consumer.read(session)
        consumer.let_finish()
        aspect = f"a session that {how} had closed before its first frame"
        began = consumer.stage.has_reached("began") or bool(consumer.provider.requests)
        yield Expected(clause, f"whether the run began of {aspect}", False, began)
        yield Expected(clause, f"frames of {aspect}", 0, len(read.frames))


def _blocks(consumer: Consumer, program: Program) -> Iterator[Expected]:
    """Leave the block of a session that has been read to its end, of one that has not, also by an error, and of one nobody read."""
    clause = "cleanup.context-exit"
    for frames_read, error in ((None, None), (1, None), (1, LookupError("raised in the block")), (0, None)):
        session = consumer.open(program)
        if frames_read is None:
            consumer.read(session)
        elif frames_read:
            consumer.take(consumer.iterate(session), frames_read)
        entered, raised = consumer.tried(partial(_leave_block, consumer, session, error))
        read = "had been" if frames_read is None else "had not been"
        aspect = f"leaving the block of a session that {read} read to its end"
        if error is None:
            yield Expected(clause, aspect, NOTHING, raised)
            yield Expected(clause, f"what `with` gave before {aspect}", Same(session), entered)
        else:
            yield Expected(clause, f"the error by which the block was left, after {aspect},", Same(error), raised)
        cancelled = bool(session.is_cancelled)
        yield Expected(clause, f"is_cancelled after {aspect}", frames_read is not None, cancelled)
        if frames_read is None:
            yield Expected(clause, f"is_exhausted after {aspect}", True, bool(session.is_exhausted))


def _leave_block(consumer: Consumer, session: Any, error: Exception | None = None) -> Any:
    """Leave the block of a session, by an error where there is one; return what the block gave, or what is awaited for it."""
    if consumer.is_sync:
        with session as entered:
            if error is not None:
                raise error
            return entered

    async def leave() -> Any:
        async with session as entered:
            if error is not None:
                raise error
            return entered

    return leave()


SCENARIOS: Final = Scenarios()
SCENARIOS.extend(blocked_runs.SCENARIOS)
_UNSTARTED: Final = frozenset({"cleanup.close-before-start"})
SCENARIOS.both("close/twice", {"cleanup.idempotent"}, "flow", _close_calls, _PLAIN)
SCENARIOS.both("close/twice/call", {"cleanup.idempotent"}, "llm", _close_calls, _CALL)
SCENARIOS.both("close/before-start", _UNSTARTED, "flow", _unstarted, _PLAIN)
SCENARIOS.both("close/before-start/call", _UNSTARTED, "llm", _unstarted, _CALL)
SCENARIOS.both("close/before-start/turn", _UNSTARTED, "flow llm turn", _unstarted, ConversationProgram())
SCENARIOS.both("close/blocks", {"cleanup.context-exit"}, "flow", _blocks, _PLAIN)
SCENARIOS.both("close/blocks/call", {"cleanup.context-exit"}, "llm", _blocks, _CALL)
SCENARIOS.extend((*exits.SCENARIOS, *leaks.SCENARIOS))
