"""Checks of the clauses `flow.*`: what a flow shows while it waits, and how a run goes on from where another has been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from conformance.areas.observations import Continued, FeedbackShown, Paused, Restored, Resumed
from conformance.areas.order import checks as order
from conformance.timeline.check import Check, Finding, saw, seen, shown
from conformance.timeline.evidence import Evidence

#: How a session of a restored run begins, as far as these types of frames go.
_PRELUDE: Final = ("checkpoint_restore_started", "checkpoint_restore_completed", "flow_started")


def pending(evidence: Evidence) -> Iterator[Finding]:
    """A flow that waits ends with paused frames and the pending object; it goes on from there."""
    for paused in seen(evidence, Paused):
        yield from _waits(paused)
    for resumed in seen(evidence, Resumed):
        yield from _goes_on(resumed)


def checkpoint(evidence: Evidence) -> Iterator[Finding]:
    """A restored run does what was not done, says that it was restored, and keeps its frames in order."""
    for restored in seen(evidence, Restored):
        yield from _goes_on(restored)
        if restored.missing or restored.raised is not None:
            continue
        if restored.prelude != _PRELUDE:
            yield None, f"{restored.call} begins with {_listed(restored.prelude)}, not with {_listed(_PRELUDE)}"
        ran, told = Counter(restored.ran), Counter(restored.shown)
        for method in (ran - told).elements():
            yield None, f"the frames of {restored.call} do not tell of the run of {method!r}"
        for method in (told - ran).elements():
            yield None, f"the frames of {restored.call} tell of a run of {method!r} that there was not"
    if seen(evidence, Restored):
        for check in order.CHECKS:
            for seq, message in check.find(evidence):
                yield seq, f"a restored run breaks {check.clause}: {message}"


def feedback_frames(evidence: Evidence) -> Iterator[Finding]:
    """Whoever asks a human, that is shown, and so is the answer."""
    for feedback in seen(evidence, FeedbackShown):
        if feedback.seen != feedback.expected:
            due, found = _told(feedback.expected), _told(feedback.seen)
            yield None, f"{feedback.human}: the session shows {found}, and was to show {due}"


def _waits(paused: Paused) -> Iterator[Finding]:
    if paused.raised is not None:
        yield None, f"a session of a flow that waits raised {shown(paused.raised)}"
    elif not paused.is_pending:
        yield None, f"a flow that waits came to {shown(paused.value)}, not to the pending object"
    elif not paused.is_exhausted:
        yield None, "the session of a flow that waits is not exhausted when all its frames are read"
    if paused.ends != paused.due_ends:
        yield None, f"a flow that waits shows the ends {_listed(paused.ends)}, not {_listed(paused.due_ends)}"
    elif paused.last != paused.due_ends[-1]:
        yield None, f"the last frame of a flow that waits is {paused.last}, not {paused.due_ends[-1]}"
    yield from _differing("a flow that waits", paused.ran, paused.to_run)


def _goes_on(run: Continued) -> Iterator[Finding]:
    if run.raised is not None:
        yield None, f"{run.call} raised {shown(run.raised)}"
    elif run.missing:
        kind = type(run.value).__name__
        yield None, f"{run.call} gave no session of that kind: {kind} has no {', '.join(run.missing)}"
    elif run.value != run.expected:
        yield None, f"{run.call} came to {shown(run.value)}, not to {run.expected!r}"
    if run.early:
        yield None, f"{run.call} ran {', '.join(run.early)} before the first frame was asked for"
    yield from _differing(run.call, run.ran, run.to_run)


def _differing(who: str, ran: tuple[str, ...], to_run: tuple[str, ...]) -> Iterator[Finding]:
    did, due = Counter(ran), Counter(to_run)
    for method in (due - did).elements():
        yield None, f"{who} did not run {method!r}"
    for method in (did - due).elements():
        yield None, f"{who} ran {method!r}, {'more than once' if method in due else 'which was not its to run'}"


def _listed(types: tuple[str, ...]) -> str:
    return ", ".join(types) or "none"


def _told(frames: tuple[tuple[str, object], ...]) -> str:
    return ", ".join(f"{kind} {text!r}" for kind, text in frames) or "nothing"


CHECKS = (
    Check("flow.pending", pending, lambda evidence: bool(seen(evidence, Paused) or seen(evidence, Resumed))),
    Check("flow.checkpoint", checkpoint, saw(Restored)),
    Check("flow.feedback-frames", feedback_frames, saw(FeedbackShown)),
)
