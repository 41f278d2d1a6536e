"""Decoded text that knows where each of its characters is written.

A secret is looked for where it is readable: in a JSON string without its escapes, in deltas put together, in decoded
base64. It is blotted where it is written. A `Passage` joins the two: `text` to search, and `put` to overwrite one
character of it in the raw text, without ever changing the raw text's length.

Passages stack: the arguments of a tool call are a JSON document in a JSON string in a server-sent event.
"""

from __future__ import annotations

import base64
import binascii
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

#: What a secret is overwritten with. No credential format contains it, and it needs no escape in JSON, YAML or a URL.
FILLER = "*"

_JSON_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL
)
_JSON_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_URL_SAFE = str.maketrans("-_", "+/")
_STANDARD = str.maketrans("+/", "-_")


class Passage(ABC):
    """A text to search, each character of which can be overwritten in the raw text behind it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @abstractmethod
    def put(self, index: int, char: str) -> bool:
        """Write `char` over character `index`; True where that changed the raw text."""

    def blot(self, start: int, stop: int) -> bool:
        """Write filler over the characters from `start` to `stop`; True where that changed anything.

        Line breaks stay, because the framing around a passage may be made of them.
        """
        changed = False
        for index in range(start, stop):
            if self.text[index] not in "\r\n":
                changed |= self.put(index, FILLER)
        return changed


class Buffer(Passage):
    """The raw text itself. Bytes enter as Latin-1, one character for each byte."""

    __slots__ = ("_chars",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._chars = list(text)

    def put(self, index: int, char: str) -> bool:
        # Filler is final: base64 written anew around a blotted byte must not bring a blotted neighbour back.
        if self._chars[index] in (char, FILLER):
            return False
        self._chars[index] = char
        return True

    def render(self) -> str:
        """The text as it stands now, as long as it was."""
        return "".join(self._chars)


class Slice(Passage):
    """A part of a passage, undecoded."""

    __slots__ = ("_parent", "_start")

    def __init__(self, parent: Passage, start: int, stop: int) -> None:
        super().__init__(parent.text[start:stop])
        self._parent = parent
        self._start = start

    def put(self, index: int, char: str) -> bool:
        return self._parent.put(self._start + index, char)


class Number(Slice):
    """A JSON number. Its digits are blotted with a digit, so that it remains a number of the same length."""

    __slots__ = ()

    def put(self, index: int, char: str) -> bool:
        return self.text[index].isdigit() and super().put(index, "1" if char == FILLER else char)


class Joined(Passage):
    """Passages one after the other: the deltas of one field."""

    __slots__ = ("_pieces", "_starts")

    def __init__(self, pieces: Sequence[Passage]) -> None:
        super().__init__("".join(piece.text for piece in pieces))
        self._pieces = pieces
        self._starts = list(accumulate((len(piece.text) for piece in pieces), initial=0))

    def put(self, index: int, char: str) -> bool:
        at = bisect_right(self._starts, index) - 1
        return self._pieces[at].put(index - self._starts[at], char)


class JsonString(Passage):
    r"""The value of the JSON string literal whose inside stands between `start` and `stop`.

    A character written as `\uXXXX` is overwritten in that form. The two-character escapes stay: they stand for
    punctuation and line breaks, and no character that they could be replaced with fits in their place.
    """

    __slots__ = ("_parent", "_raw", "_spans", "_start")

    def __init__(self, parent: Passage, start: int, stop: int) -> None:
        self._parent = parent
        self._start = start
        self._raw = parent.text[start:stop]
        self._spans: list[int] | None = None
        super().__init__(_JSON_ESCAPE.sub(_unescaped, self._raw) if "\\" in self._raw else self._raw)

    def put(self, index: int, char: str) -> bool:
        if len(self._raw) == len(self.text):
            return self._parent.put(self._start + index, char)
        if self._spans is None:
            self._spans = _starts(self._raw, _JSON_ESCAPE)
        start, stop = self._spans[index], self._spans[index + 1]
        if stop - start == 1:
            return self._parent.put(self._start + start, char)
        changed = False
        for unit in range(start, stop - 5, 6):
            for offset, digit in enumerate(f"{ord(char):04x}"):
                changed |= self._parent.put(self._start + unit + 2 + offset, digit)
        return changed


class PercentEncoded(Passage):
    """A passage of a URL or form, with `%XX` decoded, each as one character."""

    __slots__ = ("_parent", "_spans")

    def __init__(self, parent: Passage) -> None:
        self._parent = parent
        self._spans = _starts(parent.text, _PERCENT)
        super().__init__(_PERCENT.sub(lambda match: chr(int(match.group()[1:], 16)), parent.text))

    def put(self, index: int, char: str) -> bool:
        start, stop = self._spans[index], self._spans[index + 1]
        if stop - start == 1:
            return self._parent.put(start, char)
        first = self._parent.put(start + 1, f"{ord(char):02X}"[0])
        return self._parent.put(start + 2, f"{ord(char):02X}"[1]) or first


class Base64(Passage):
    """What the base64 text between `start` and `stop` encodes, as Latin-1. Writing keeps the base64 valid."""

    __slots__ = ("_content", "_length", "_parent", "_start", "_url_safe")

    def __init__(self, parent: Passage, start: int, stop: int) -> None:
        encoded = parent.text[start:stop].rstrip("=")
        if len(encoded) % 4 == 1:
            encoded = encoded[:-1]
        self._parent = parent
        self._start = start
        self._length = len(encoded)
        self._url_safe = "-" in encoded or "_" in encoded
        self._content = bytearray(decoded_base64(encoded))
        super().__init__(self._content.decode("latin-1"))

    def put(self, index: int, char: str) -> bool:
        self._content[index] = ord(char)
        group = index // 3
        encoded = base64.b64encode(self._content[group * 3 : group * 3 + 3]).decode("ascii")
        if self._url_safe:
            encoded = encoded.translate(_STANDARD)
        changed = False
        for offset, encoded_char in enumerate(encoded[: self._length - group * 4]):
            changed |= self._parent.put(self._start + group * 4 + offset, encoded_char)
        return changed


def decoded_base64(text: str) -> bytes:
    """The bytes that base64 `text`, standard or URL-safe, padded or not, encodes; `b""` where it is none."""
    standard = text.rstrip("=").translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(standard[: len(standard) - (len(standard) % 4 == 1)] + "==", strict_mode=False)
    except ValueError:
        return b""


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group()
    if escape[1] != "u" or len(escape) == 2:
        return _JSON_SHORT.get(escape[1], escape[1])
    if len(escape) == 6:
        return chr(int(escape[-4:], 16))
    high, low = int(escape[2:6], 16), int(escape[8:], 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _starts(raw: str, escape: re.Pattern[str]) -> list[int]:
    """Where in `raw` each decoded character starts, and the end."""
    starts: list[int] = []
    position = 0
    for match in escape.finditer(raw):
        starts.extend(range(position, match.start() + 1))
        position = match.end()
    starts.extend(range(position, len(raw) + 1))
    return starts
