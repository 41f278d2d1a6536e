"""Server-sent events out of the bytes of a body, however those were split.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
BOM: Final = b"\xef\xbb\xbf"
#: How many bytes are kept of what belongs to no event.
KEPT: Final = 8_388_608


class SSEDecoder:
    """Takes a body piece by piece, and gives each event once its blank line has come: its name (or "") and its data."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._after_cr = False
        self._begun = False
        self._name = ""
        self._data: list[bytes] = []
        self._stray: list[bytes] = []
        self._stray_length = 0

    def feed(self, piece: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield the events that `piece` makes whole."""
        if self._after_cr and piece[:1] == b"\n":
            # The other half of a line end that was split.
            piece = piece[1:]
            self._after_cr = False
        if not piece:
            return
        self._after_cr = piece[-1:] == b"\r"
        first, *lines = _LINE_END.split(piece)
        self._rest.append(first)
        for line in lines:
            whole, self._rest = b"".join(self._rest), [line]
            if not self._begun:
                self._begun = True
                whole = whole.removeprefix(BOM)
            if whole:
                self._field(whole)
            elif self._data:
                event = self._name, b"\n".join(self._data)
                self._name, self._data = "", []
                yield event
            else:
                self._name = ""

    @property
    def stray(self) -> bytes:
        """The lines that are no fields of events, as where a server answers with plain JSON."""
        return b"\n".join(self._stray)

    def rest(self) -> bytes:
        """Return the data of an event that has begun and lacks its end."""
        self._field(b"".join(self._rest))
        self._rest = []
        return b"\n".join(self._data)

    def _field(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        elif name == b"error" and colon:
            # No field of the standard; it is how some servers tell of theirs.
            self._name = "error"
            self._data.append(value.removeprefix(b" "))
        elif name not in (b"", b"id", b"retry") and self._stray_length < KEPT:
            self._stray.append(line)
            self._stray_length += len(line)
