"""Checks of the clauses `cleanup.*`: what closing a session early does, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from conformance.areas.observations import BlockLeft, CloseCalled, Closed, ClosedUnstarted, Exited, LeftBehind
from conformance.timeline.check import Check, Finding, saw, seen
from conformance.timeline.evidence import Evidence

#: What leaves a block, and so must have closed the session.
_LEAVES: Final = ("with", "consumer-error")
#: What ends the consumer of an async session, and so must have cancelled its run.
_CANCELS: Final = ("with", "cancelled-consumer")


def close_prompt(evidence: Evidence) -> Iterator[Finding]:
    """Closing comes back while the run is blocked, and so does the end of the loop and of the interpreter."""
    for closed in seen(evidence, Closed):
        if not closed.returned_while_blocked:
            yield None, f"{_situation(closed)} did not come back before the run was let go on"
        if closed.raised is not None:
            yield None, f"{_situation(closed)} {_did(closed.raised)}"
    for exit_ in seen(evidence, Exited):
        if not exit_.exited:
            yield None, f"the interpreter did not exit, with {exit_.what}{_said(exit_)}"


def work_stops(evidence: Evidence) -> Iterator[Finding]:
    """The run stops at its next event, await or byte; methods not yet begun never begin."""
    for closed in seen(evidence, Closed):
        if closed.reached_later:
            yield None, f"{_situation(closed)} did not stop the run: it came to {', '.join(closed.reached_later)}"
        if closed.disconnected is False:
            yield None, f"{_situation(closed)} left the connection to the provider open"


def no_late_frames(evidence: Evidence) -> Iterator[Finding]:
    """Closing is the end of the timeline."""
    for closed in seen(evidence, Closed):
        then, later = closed.frames_then, closed.frames_later
        if then is not None and later is not None and later > then:
            yield then + 1, f"{later - then} frames were appended after {_situation(closed)}"


def idempotent(evidence: Evidence) -> Iterator[Finding]:
    """Closing what is closed or at its end is no error, and changes nothing."""
    for called in seen(evidence, CloseCalled):
        if called.raised is not None:
            yield None, f"{called.what} {_did(called.raised)}"
        elif any(called.before) and called.after != called.before:
            yield None, f"{called.what} changed the session's state from {called.before} to {called.after}"
        elif not called.after[0]:
            yield None, f"{called.what} left is_completed False"


def close_before_start(evidence: Evidence) -> Iterator[Finding]:
    """What was closed before its first frame never runs."""
    for unstarted in seen(evidence, ClosedUnstarted):
        if unstarted.ran:
            yield None, f"the run began although {unstarted.how} had closed the session before its first frame"
        elif unstarted.frames:
            yield None, f"a session that was closed before its first frame gave {unstarted.frames} frames"


def context_exit(evidence: Evidence) -> Iterator[Finding]:
    """Leaving the block closes a session that is not at its end, and only such a one."""
    for left in seen(evidence, BlockLeft):
        if left.raised is not None:
            yield None, f"leaving the block {_did(left.raised)}"
        if left.was_read and (left.is_cancelled or not left.is_exhausted):
            yield None, "leaving the block changed the state of a session that had been read to its end"
        if not left.was_read and not left.is_cancelled:
            yield None, "leaving the block did not close a session that had not been read to its end"
    for closed in _by(evidence, _LEAVES):
        if closed.is_cancelled is False:
            yield None, f"is_cancelled is False after {_situation(closed)}"


def async_cancel(evidence: Evidence) -> Iterator[Finding]:
    """A cancelled consumer, or one that left its block, has cancelled the run."""
    for closed in _by(evidence, _CANCELS, "async"):
        if closed.is_cancelled is False:
            yield None, f"is_cancelled is False after {_situation(closed)}"
        if closed.reached_later:
            yield None, f"the run went on after {_situation(closed)}: it came to {', '.join(closed.reached_later)}"


def no_leaks(evidence: Evidence) -> Iterator[Finding]:
    """Nothing of a run is left when everybody has let go of it."""
    for closed in seen(evidence, Closed):
        for thing in closed.left_behind:
            yield None, f"{thing} was still in the loop after {_situation(closed)} although it was cancelled"
    for left in seen(evidence, LeftBehind):
        for thing in left.things:
            yield None, f"{thing} was still there after {left.of}"


def _by(evidence: Evidence, hows: tuple[str, ...], kind: str | None = None) -> list[Closed]:
    return [one for one in seen(evidence, Closed) if one.how in hows and kind in (None, one.kind)]


_NAMES: Final = {
    "close": "close()",
    "aclose": "aclose()",
    "with": "leaving the block",
    "collected": "dropping the last reference",
    "consumer-error": "an exception in the consumer",
    "other-thread": "close() by another thread",
    "cancelled-consumer": "cancelling the consumer",
}


def _situation(closed: Closed) -> str:
    return f"{_NAMES[closed.how]} of {_ARTICLES[closed.kind]} session, blocked in {closed.blocked_in},"


_ARTICLES: Final = {"sync": "a sync", "async": "an async"}


def _did(raised: BaseException) -> str:
    return f"raised {type(raised).__name__}: {raised}"


def _said(exit_: Exited) -> str:
    return f"; it said {exit_.said!r}" if exit_.said else ""


def _any_closed(*hows: str, kind: str | None = None) -> Callable[[Evidence], bool]:
    return lambda evidence: bool(_by(evidence, hows or tuple(_NAMES), kind))


def _frames_counted(evidence: Evidence) -> bool:
    return any(closed.frames_then is not None for closed in seen(evidence, Closed))


CHECKS = (
    Check("cleanup.close-prompt", close_prompt, lambda evidence: saw(Closed)(evidence) or saw(Exited)(evidence)),
    Check("cleanup.work-stops", work_stops, saw(Closed)),
    Check("cleanup.no-late-frames", no_late_frames, _frames_counted),
    Check("cleanup.idempotent", idempotent, saw(CloseCalled)),
    Check("cleanup.close-before-start", close_before_start, saw(ClosedUnstarted)),
    Check(
        "cleanup.context-exit",
        context_exit,
        lambda evidence: saw(BlockLeft)(evidence) or _any_closed(*_LEAVES)(evidence),
    ),
    Check("cleanup.async-cancel", async_cancel, _any_closed(*_CANCELS, kind="async")),
    Check("cleanup.no-leaks", no_leaks, lambda evidence: saw(Closed)(evidence) or saw(LeftBehind)(evidence)),
)
