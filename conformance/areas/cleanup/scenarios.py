"""Closing at other times than in the middle, and leaving blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from conformance.areas.cleanup import blocked_runs, exits, leaks
from conformance.stage.census import ENDING_S
from conformance.stage.consumer import Consumer, both
from conformance.stage.patience import ends
from conformance.stage.points import StageError
from conformance.stage.programs import Emit, FlowProgram, Method, Reach
from conformance.stage.reader import attempt
from conformance.stage.scenario import FLOW, Scenario
from conformance.timeline.evidence import Evidence, beside_frames
from conformance.timeline.expected import NOTHING, Expected

_PLAIN: Final = FlowProgram((Method("first", (Reach("began"), Emit("one"), Emit("two"))),))


def _close_calls(consumer: Consumer) -> Evidence:
    """Close twice, by another thread, before the first frame, and after the end."""
    expected: list[Expected] = []
    calls: dict[str, Callable[[Any], None]] = {"close()": _close, "close() by another thread": _close_in_thread}
    if not consumer.is_sync:
        calls["aclose()"] = lambda session: consumer.complete(session.aclose())
    frames: tuple[Any, ...] = ()
    for name, call in calls.items():
        unstarted = consumer.open(_PLAIN)
        expected += _closed(f"{name} before the first frame", unstarted, call)
        expected += _closed(f"a second {name}", unstarted, call)
        begun = consumer.open(_PLAIN)
        consumer.take(consumer.iterate(begun), 1)
        expected += _closed(f"{name} after the first frame", begun, call)
        expected += _closed(f"a second {name} after the first frame", begun, call)
        read = consumer.open(_PLAIN)
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


def _close(session: Any) -> None:
    session.close()


def _close_in_thread(session: Any) -> None:
    raised: list[BaseException | None] = []
    closer = threading.Thread(
        target=lambda: raised.append(attempt(partial(_close, session))), name="closer", daemon=True
    )
    closer.start()
    ends(closer, ENDING_S)
    if not raised:
        raise StageError("it did not come back")
    if raised[0] is not None:
        raise raised[0]


def _unstarted(consumer: Consumer) -> Evidence:
    """Close a session that nobody has read, by `close()` and by leaving its block, and then read it."""
    expected = []
    closers: dict[str, Callable[[Any], None]] = {
        "close()": consumer.close,
        "leaving its block": partial(_leave_block, consumer),
    }
    for how, close in closers.items():
        session = consumer.open(_PLAIN)
        close(session)
        read = consumer.read(session)
        consumer.let_finish()
        aspect = f"a session that {how} had closed before its first frame"
        ran = consumer.stage.has_reached("began")
        expected.append(Expected("cleanup.close-before-start", f"whether the run began of {aspect}", False, ran))
        expected.append(Expected("cleanup.close-before-start", f"frames of {aspect}", 0, len(read.frames)))
    return beside_frames(expected)


def _blocks(consumer: Consumer) -> Evidence:
    """Leave the block of a session that has been read to its end, of one that has not, and of one nobody read."""
    expected = []
    for frames_read in (None, 1, 0):
        session = consumer.open(_PLAIN)
        if frames_read is None:
            consumer.read(session)
        elif frames_read:
            consumer.take(consumer.iterate(session), frames_read)
        raised = attempt(partial(_leave_block, consumer, session))
        ends = "had" if frames_read is None else "had not"
        aspect = f"leaving the block of a session that {ends} been read to its end"
        expected.append(Expected("cleanup.context-exit", aspect, NOTHING, raised))
        cancelled = Expected(
            "cleanup.context-exit", f"is_cancelled after {aspect}", frames_read is not None, bool(session.is_cancelled)
        )
        expected.append(cancelled)
        if frames_read is None:
            exhausted = bool(session.is_exhausted)
            expected.append(Expected("cleanup.context-exit", f"is_exhausted after {aspect}", True, exhausted))
    return beside_frames(expected)


def _leave_block(consumer: Consumer, session: Any) -> None:
    if consumer.is_sync:
        with session:
            return

    async def leave() -> None:
        async with session:
            return

    consumer.complete(leave())


SCENARIOS: tuple[Scenario, ...] = (
    *blocked_runs.SCENARIOS,
    *both("close/twice", {"cleanup.idempotent"}, _close_calls, FLOW),
    *both("close/before-start", {"cleanup.close-before-start"}, _unstarted, FLOW),
    *both("close/blocks", {"cleanup.context-exit"}, _blocks, FLOW),
    *exits.SCENARIOS,
    *leaks.SCENARIOS,
)
