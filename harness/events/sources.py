"""Where events take their ids and times from: a source of ids and a clock, each with one replaceable default."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from harness.fork import after_fork

_COUNTER_BITS: Final = 64
_COUNTER: Final = 2**_COUNTER_BITS - 1


class EventIds:
    """The default source of event ids: unique in the process, and across processes by a random prefix.

    An id is a number, whose text is made when somebody reads it: 64 random bits, and a counter. That costs a hundredth
    of a UUID and sorts in the order of creation.
    """

    def __init__(self) -> None:
        self.reseed()
        after_fork(self.reseed)

    def reseed(self) -> None:
        """Take a new prefix, so that a forked child never repeats its parent's ids."""
        prefix = int.from_bytes(os.urandom(8), "big")
        #: Returns the next id, as a number.
        self.number = itertools.count((prefix << _COUNTER_BITS) + 1).__next__

    def __call__(self) -> str:
        return id_text(self.number())


def id_text(event_id: int | str) -> str:
    """Return the text of an id, which is one already where a source of somebody else's made it."""
    if isinstance(event_id, str):
        return event_id
    # A quarter less work than an f-string, twice for each frame that is looked at.
    return "%016x-%x" % (event_id >> _COUNTER_BITS, event_id & _COUNTER)  # noqa: UP031


def _utc_now() -> datetime:
    return datetime.now(UTC)


def moment_in_utc(moment: float | datetime) -> datetime:
    """Return a moment as a time in UTC; a naive one is taken as UTC (clause `envelope.timestamp-utc`).

    Raises:
        ValueError: it is in the first or the last day of all, which another zone has and UTC has not.
    """
    if isinstance(moment, datetime):
        # A zone may know no offset of its own, and a time in it is naive, too.
        if moment.utcoffset() is None:
            return moment.replace(tzinfo=UTC)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"expected a time that UTC has, not {moment}") from None
    return datetime.fromtimestamp(moment, UTC)


class _Sources:
    """The clock and the id source of events, each of which a test may replace to reproduce a run.

    Where thousands of events are made they ask for `moment` and `number`, cheaper forms of the same: seconds since the
    epoch, and an id as its number. A replaced source has no such form, and is asked itself.
    """

    moment: Callable[[], float | datetime]
    number: Callable[[], int | str]

    def __init__(self) -> None:
        self._ids = EventIds()
        self.now = _utc_now
        self.new_id = self._ids
        after_fork(self._renew)

    @property
    def now(self) -> Callable[[], datetime]:
        """What returns the time, as a datetime."""
        return self._now

    @now.setter
    def now(self, clock: Callable[[], datetime]) -> None:
        self._now = clock
        self.moment = time.time if clock is _utc_now else clock

    @property
    def new_id(self) -> Callable[[], str]:
        """What returns a new id, as text."""
        return self._new_id

    @new_id.setter
    def new_id(self, source: Callable[[], str]) -> None:
        self._new_id = source
        self.number = self._ids.number if source is self._ids else source

    def _renew(self) -> None:
        self.new_id = self._new_id


sources: Final = _Sources()
