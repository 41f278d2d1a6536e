"""Waiting for what decides about a runtime, for a time that a loaded machine does not shorten.

A second of the clock may hold no turn at all for a process that many others crowd out. So the time is counted in pieces:
each ends once this thread has had a turn after it, and with as many turns the threads that are waited for have had theirs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

#: How long a piece is, in seconds.
PIECE_S: Final = 0.01


def comes_true(wait: Callable[[float], bool], within_s: float) -> bool:
    """Return whether `wait(seconds)`, which tells whether something has happened within that time, ever says so."""
    return any(wait(PIECE_S) for _ in _pieces(within_s))


def becomes_true(holds: Callable[[], bool], within_s: float) -> bool:
    """Return whether `holds()`, which nobody can wait for, is ever true."""
    return comes_true(lambda seconds: holds() or threading.Event().wait(seconds) or holds(), within_s)


async def abecomes_true(holds: Callable[[], bool], within_s: float) -> bool:
    """Do as `becomes_true`, without blocking the loop."""
    for _ in _pieces(within_s):
        if holds():
            break
        await asyncio.sleep(PIECE_S)
    return holds()


async def unended(tasks: Iterable[asyncio.Task[Any]], within_s: float) -> set[asyncio.Task[Any]]:
    """Return those of the running loop's tasks that do not end in time."""
    pending = set(tasks)
    for _ in _pieces(within_s):
        if not pending:
            break
        _, pending = await asyncio.wait(pending, timeout=PIECE_S)
    return pending


def _pieces(within_s: float) -> range:
    return range(max(1, round(within_s / PIECE_S)))


def ends(thread: threading.Thread, within_s: float) -> bool:
    def ended(seconds: float) -> bool:
        thread.join(seconds)
        return not thread.is_alive()

    return comes_true(ended, within_s)
