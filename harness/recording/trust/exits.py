"""A run that would end the process: it is told, in place of being believed.

`sys.exit` raises, and is seen like any other error. What ends a process without raising would end whoever judges the run
too, with whatever exit code the run likes.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_lock: Final = threading.Lock()
#: A list for each block that is open, with the process that opened it.
_open: Final[list[tuple[int, list[str]]]] = []
_installed: Final[list[Callable[[int], Any]]] = []


@contextmanager
def exits_noted() -> Iterator[list[str]]:
    """Have `os._exit` and `os.exec…` raise SystemExit, until the end of the block; the list tells of each attempt.

    In all threads of this process, and in none that it makes: those end as they like.
    """
    noted: list[str] = []
    entry = (os.getpid(), noted)
    with _lock:
        if not _installed:
            _install()
        _open.append(entry)
    try:
        yield noted
    finally:
        with _lock:
            _open[:] = [other for other in _open if other is not entry]


def _install() -> None:
    """Watch the ways out of the process, for its life: user code may keep what it has imported."""
    really = os._exit
    _installed.append(really)

    def _exit(status: int) -> None:
        _refuse(f"os._exit({status!r})", status)
        really(status)

    for module in (os, sys.modules[os.name]):
        module._exit = _exit  # type: ignore[attr-defined]
    sys.addaudithook(_on_event)


def _on_event(event: str, details: tuple[Any, ...]) -> None:
    if event == "os.exec" and _open:
        _refuse(f"os.exec of {details[0]!r}", 1)


def _refuse(attempt: str, status: int) -> None:
    here = os.getpid()
    noted = [attempts for process, attempts in list(_open) if process == here]
    for attempts in noted:
        attempts.append(attempt)
    if noted:
        raise SystemExit(status)
