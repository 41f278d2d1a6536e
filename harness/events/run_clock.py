"""What time a run is told it is: that of its recording, where it is recorded or played, so that it asks the same again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

#: None: the time that it is.
_moment: Final[ContextVar[datetime | None]] = ContextVar("run_time", default=None)


def run_time() -> datetime:
    """Return the time, in UTC, that is told in this context."""
    return _moment.get() or datetime.now(UTC)


@contextmanager
def clock_at(moment: datetime | None) -> Iterator[None]:
    """Have runs that begin in this block be told that it is this moment; with None, the time that it is."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)
