"""Observations of flows that wait for a human, and of runs that begin where another has been (clauses `flow.*`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FeedbackShown:
    """What a session showed of a human who was asked, or who answered (clause `flow.feedback-frames`)."""

    #: As in `a provider that answers at once`.
    human: str
    #: In order: `requested` with its message, `received` with the feedback.
    seen: tuple[tuple[str, object], ...]
    expected: tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Paused:
    """A session of a flow that came to wait for a human (clause `flow.pending`)."""

    #: The types of the frames that ended a method or the flow, in order, and the type of the very last frame.
    ends: tuple[str, ...]
    due_ends: tuple[str, ...]
    last: str | None
    #: The result, and whether it is what the runtime says that it waits with; what reading raised.
    value: object
    is_pending: bool
    is_exhausted: bool
    raised: BaseException | None
    #: The methods that were run, in the order of the program, and those that were to be.
    ran: tuple[str, ...]
    to_run: tuple[str, ...]


@dataclass(frozen=True)
class Continued:
    """A run that began where an earlier one had been."""

    #: As in `flow.resume(…) with stream=True`.
    call: str
    #: What the call, or reading its session, raised.
    raised: BaseException | None
    #: What it came to, beside what it should have.
    value: object
    expected: object
    #: The methods that were run, in the order of the program, and those that were to be.
    ran: tuple[str, ...]
    to_run: tuple[str, ...]
    #: What `value` lacks to be a session of the kind that was due; where it lacks anything, it is no run's value.
    missing: tuple[str, ...] = ()
    #: The methods that were run before the first frame was asked for; none where no session was due.
    early: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resumed(Continued):
    """A flow that went on with a human's answer (clause `flow.pending`)."""


@dataclass(frozen=True)
class Restored(Continued):
    """A run that began at a checkpoint (clause `flow.checkpoint`)."""

    #: The types of its frames that tell of the restoring and of the flow's start, in order.
    prelude: tuple[str, ...] = ()
    #: The methods that its frames say were started, in the order of the program.
    shown: tuple[str, ...] = ()
