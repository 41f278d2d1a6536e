"""Stdout and stderr of a process across a run, which may put others in their place, close them or take them apart."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

#: What runs have put there. A stream that nobody has any more closes what it writes to, which another may share.
_left: Final[list[IO[str] | None]] = []
_lock: Final = threading.Lock()
#: What was there before the first of the runs that are at work now, once for each of them.
_before: Final[list[dict[str, IO[str] | None]]] = []


@contextmanager
def streams_put_back() -> Iterator[None]:
    """Have stdout and stderr be afterwards what they are now; of one that is closed, what takes its place goes nowhere.

    Of several runs at once, in threads, the first to begin has them as they were, and the last to end puts them back.
    """
    with _lock:
        _before.append(_before[0] if _before else {"stdout": sys.stdout, "stderr": sys.stderr})
    try:
        yield
    finally:
        with _lock:
            before = _before.pop()
            if not _before:
                for name, stream in before.items():
                    _put_back(name, stream)


def _put_back(name: str, stream: IO[str] | None) -> None:
    now: IO[str] | None = getattr(sys, name, None)
    if now is not stream:
        _left.append(now)
    if stream is None or is_open(stream):
        setattr(sys, name, stream)
    elif not is_open(now):
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open to the end


def is_open(stream: IO[str] | None) -> bool:
    """Whether a stream can be written to. What it has been given is written now."""
    if stream is None:
        return False
    try:
        stream.flush()
    except ValueError:
        # It is closed, or what it wrote to has been taken from it.
        return False
    except (OSError, AttributeError):
        # Such is the place that it leads to, or it is written to at once.
        return True
    return True
