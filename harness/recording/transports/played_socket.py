"""What http.client reads a played response from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class PlayedSocket(io.RawIOBase):
    """What http.client reads a response from: each piece of the script is one read, none is asked for before its turn."""

    def __init__(self, script: Iterator[bytes]) -> None:
        super().__init__()
        self._script = script
        self._rest = b""

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._script, b"")
        count = min(len(self._rest), len(buffer))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
