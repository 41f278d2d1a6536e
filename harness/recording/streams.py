"""Stdout and stderr of a process across a run, which may put others in their place, close them or take them apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

#: What runs have put there. A stream that nobody has any more closes what it writes to, which another may share.
_left: Final[list[IO[str]]] = []


@contextmanager
def streams_put_back() -> Iterator[None]:
    """Have stdout and stderr be afterwards what they are now; of one that is closed, what takes its place goes nowhere."""
    before = {"stdout": sys.stdout, "stderr": sys.stderr}
    try:
        yield
    finally:
        for name, stream in before.items():
            now: IO[str] | None = getattr(sys, name)
            _left.extend([now] if now is not None and now is not stream else [])
            usable = (each for each in (stream, now) if is_open(each))
            setattr(sys, name, next(usable, None) or open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open to the end


def is_open(stream: IO[str] | None) -> bool:
    """Whether a stream can be written to; what it has been given is written now."""
    try:
        if stream is not None:
            stream.flush()
    except ValueError:
        # Closed, or detached from what it wrote to.
        return False
    except OSError:
        # Of what it leads to, not of itself.
        pass
    return stream is not None
