"""Observations of recorded runs that are made again (clauses `replay.*`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MadeAgain:
    """A recorded run, made again from its tape (clauses `replay.*`)."""

    #: Where the timelines differ, as messages.
    differences: tuple[str, ...]
    #: What the run raised when it was recorded, and when it was made again.
    raised_first: BaseException | None
    raised: BaseException | None
    #: Requests that reached the provider while it was recorded: what there is to make again.
    requests_recorded: int
    #: Requests that reached the provider afterwards, and recorded ones that were not asked for again.
    requests_sent: int
    left_unplayed: int
    #: What came of a call that was not recorded, and what the tape then told.
    miss: BaseException | None
    misses: int
    unplayed_then: int
    #: What opening a torn cassette raised.
    unreadable: BaseException | None
