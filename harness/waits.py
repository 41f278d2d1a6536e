"""Waiting that Ctrl-C always ends: the main thread waits in short pieces.

Python looks for signals between instructions and where a wait is interrupted. A signal that comes after the last look
and before the wait interrupts nothing and is seen only once the wait is over, which may be never. Ctrl-C pressed at
the very moment when an answer's next token is shown comes just there.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, TypeVar

T = TypeVar("T")
#: Tells whether requests of this context are answered at once from a recording, whose provider no wait before one spares.
answered_at_once: Final[ContextVar[Callable[[], bool]]] = ContextVar("harness_answered_at_once", default=bool)
#: How late a signal is seen at most that came at such a moment.
_PIECE_S: Final = 0.1


def acquire(lock: threading.Lock) -> None:
    """Acquire the lock, however long that takes. Raises KeyboardInterrupt in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        lock.acquire()
        return
    while not lock.acquire(timeout=_PIECE_S):
        pass


def take(items: queue.SimpleQueue[T], timeout_s: float | None = None) -> T:
    """Return the next item. Raises KeyboardInterrupt in the main thread, and `queue.Empty` where none came in time."""
    if threading.current_thread() is not threading.main_thread():
        return items.get(timeout=timeout_s)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left = math.inf if deadline is None else deadline - time.monotonic()
        try:
            return items.get(timeout=max(0.0, min(left, _PIECE_S)))
        except queue.Empty:
            if left <= _PIECE_S:
                raise
