"""Observations of the ways into a run (clauses `entry.*`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entered:
    """A way into a run that the contract names (clauses `entry.flow`, `entry.llm` and their like)."""

    clause: str
    #: As in `flow.stream_events(inputs=…)`.
    call: str
    #: What the call, or reading its session, raised.
    raised: BaseException | None
    #: The run's value, beside what it should have been.
    value: object
    expected: object
    #: What `value` lacks to be a session of the kind that was due; where it lacks anything, it is no run's value.
    missing: tuple[str, ...] = ()
    #: How many frames there were; None for a call that gives no session.
    frames: int | None = None


@dataclass(frozen=True)
class Passed:
    """What was given to a streamed kickoff, and what the run was given (clause `entry.kwargs`)."""

    call: str
    given: object
    arrived: object


@dataclass(frozen=True)
class Refused:
    """A combination of options that can't be (clause `entry.kwargs`)."""

    call: str
    #: What the call raised; None where it returned.
    raised: BaseException | None


@dataclass(frozen=True)
class FlagRead:
    """A `stream` attribute, read by someone (clause `entry.flag-restored`)."""

    #: As in `the flow's, inside its run`.
    whose: str
    expected: object
    seen: object


@dataclass(frozen=True)
class Overridden:
    """A call with call-scoped overrides, and the request that reached the provider (clause `entry.llm-overrides`)."""

    what: str
    expected: object
    seen: object
