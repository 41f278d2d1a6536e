"""Observations of sessions that are closed or let go of, and of what stays behind (clauses `cleanup.*`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Closed:
    """A session that was closed while its run was blocked, and what came of it (clauses `cleanup.*`)."""

    kind: Literal["sync", "async"]
    #: What closed it: `close`, `aclose`, `with`, `collected`, `consumer-error`, `other-thread`, `cancelled-consumer`.
    how: str
    #: Where the run was blocked, as in `a sync method`, `a provider's head`.
    blocked_in: str
    #: Whether closing, and in an async run the end of the loop, came back while the run was still blocked.
    returned_while_blocked: bool
    #: What closing raised.
    raised: BaseException | None
    #: Frames that had been appended when it came back, and once the blocked code had been let go on and had ended;
    #: None where the session was gone.
    frames_then: int | None
    frames_later: int | None
    #: Points behind the next event that the run came to afterwards.
    reached_later: tuple[str, ...]
    #: Whether the provider saw its client go away while it was silent; None where no provider was asked.
    disconnected: bool | None
    #: What the session said of itself; None where it was gone.
    is_cancelled: bool | None
    #: Tasks of the run that were still in the loop when the consumer had come back.
    left_behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exited:
    """A program whose interpreter was to exit while the run was blocked (clause `cleanup.close-prompt`)."""

    #: As in `a sync session in a sync method`.
    what: str
    exited: bool
    #: What it wrote on its standard error, for reports.
    said: str


@dataclass(frozen=True)
class CloseCalled:
    """One call of `close` or `aclose` (clause `cleanup.idempotent`)."""

    #: As in `a second close()`.
    what: str
    raised: BaseException | None
    #: What the session said of itself before and afterwards, as (is_completed, is_exhausted, is_cancelled).
    before: tuple[bool, bool, bool]
    after: tuple[bool, bool, bool]


@dataclass(frozen=True)
class ClosedUnstarted:
    """A session that was closed before its first frame, and then read (clause `cleanup.close-before-start`)."""

    how: str
    #: Whether the program began, and what reading gave.
    ran: bool
    frames: int
    raised: BaseException | None


@dataclass(frozen=True)
class BlockLeft:
    """A `with` block of a session that was left (clause `cleanup.context-exit`)."""

    #: Whether the session had been read to its end before.
    was_read: bool
    is_exhausted: bool
    is_cancelled: bool
    #: What leaving raised.
    raised: BaseException | None


@dataclass(frozen=True)
class LeftBehind:
    """What was still there of a run once everybody had let go of it (clause `cleanup.no-leaks`)."""

    #: As in `a flow that was read to its end`.
    of: str
    things: tuple[str, ...]
