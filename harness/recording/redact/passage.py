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

#: What a secret is overwritten with: for each character one that takes as many bytes in UTF-8, so that texts keep their
#: length in characters and bodies theirs in bytes. No credential format has `*`, and it needs no escape in JSON, YAML or
#: a URL.
_FILLER_OF_BYTES = {1: "*", 2: "\u00b7", 3: "\u2022", 4: "\U0001f512"}
FILLERS = "".join(_FILLER_OF_BYTES.values())


#: What is never overwritten.
_LASTING = frozenset('"\\' + "".join(map(chr, range(32))))


def filler(char: str) -> str:
    """Return what `char` is overwritten with."""
    return _FILLER_OF_BYTES[width(char)]


def width(char: str) -> int:
    """Return how many bytes `char` takes in UTF-8; a lone surrogate stands for one byte that is no UTF-8."""
    code = ord(char)
    if code < 0x80 or 0xDC80 <= code <= 0xDCFF:
        return 1
    return 2 if code < 0x800 else 3 if code < 0x10000 else 4


_JSON_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL
)
_JSON_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
#: ASCII characters of UTF-16 or UTF-32 one after the other, of either order.
_WIDE = re.compile(r"(?:[\t\r\n -~]\0{1,3}){8}")
#: Colours, and what grep writes beside them.
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: How an escape begins, and all that are read. A terminal's sequence is one as it is, and as code writes it.
_BEGINS_ESCAPE = re.compile("[\\\\\x1b\x9b]|=3[Dd]")
_CODE_ESCAPE = re.compile(
    r"(?:(?:\x1b|\\(?:x1[bB]|u001[bB]|033|e))\[|\x9b)[0-9;]*[A-Za-z]"
    r"|\\(?:[nrtbfv]|x(?P<byte>[0-9a-fA-F]{2})|u(?P<unit>[0-9a-fA-F]{4})|(?P<octal>[0-3][0-7]{2}))|(?P<mail>=3[Dd])"
)
_HEXADECIMAL = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})")
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

        Quotes, backslashes and control characters stay: the framing around a passage may be made of them, and JSON
        writes them in two characters, so that they could not be blotted alike everywhere.
        """
        changed = False
        for index in range(start, stop):
            if self.text[index] not in _LASTING:
                changed |= self.put(index, filler(self.text[index]))
        return changed


class Buffer(Passage):
    """The raw text itself."""

    __slots__ = ("_chars",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._chars = list(text)

    def put(self, index: int, char: str) -> bool:
        # Filler is final: base64 written anew around a blotted byte must not bring a blotted neighbour back.
        if self._chars[index] == char or self._chars[index] in FILLERS:
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


class Masked(Slice):
    """A passage without some stretches of it, which are looked at otherwise: nothing is found in them here."""

    __slots__ = ()

    def __init__(self, parent: Passage, spans: Sequence[tuple[int, int]]) -> None:
        super().__init__(parent, 0, len(parent.text))
        pieces: list[str] = []
        position = 0
        for start, stop in spans:
            pieces += [self.text[position:start], "\0" * (stop - start)]
            position = stop
        self.text = "".join([*pieces, self.text[position:]])


class Utf8(Passage):
    """A passage of bytes, one a character, read as UTF-8."""

    __slots__ = ("_parent", "_starts")

    def __init__(self, parent: Passage) -> None:
        super().__init__(parent.text.encode("latin-1").decode("utf-8", "surrogateescape"))
        self._parent = parent
        self._starts: list[int] | None = None

    def put(self, index: int, char: str) -> bool:
        if self._starts is None:
            self._starts = list(accumulate((width(each) for each in self.text), initial=0))
        changed = False
        for offset, byte in enumerate(char.encode("utf-8", "surrogateescape")):
            changed |= self._parent.put(self._starts[index] + offset, chr(byte))
        return changed


class Narrowed(Passage):
    """A passage of UTF-16 or UTF-32, which were taken for bytes, without the zeros of its ASCII characters."""

    __slots__ = ("_parent", "_places")

    def __init__(self, parent: Passage) -> None:
        super().__init__(parent.text.replace("\0", ""))
        self._parent = parent
        self._places: list[int] | None = None

    def put(self, index: int, char: str) -> bool:
        if self._places is None:
            self._places = [place for place, char in enumerate(self._parent.text) if char != "\0"]
        return self._parent.put(self._places[index], char)


class Uncoloured(Passage):
    """A passage without the sequences by which a terminal colours it (ECMA-48, 5.4)."""

    __slots__ = ("_ends", "_parent", "_shifts")

    def __init__(self, parent: Passage) -> None:
        self._parent = parent
        spans = [match.span() for match in _COLOUR.finditer(parent.text)]
        super().__init__(_COLOUR.sub("", parent.text))
        #: How much has been left out before a place, by the first place in `text` for which that holds.
        self._shifts = [0, *accumulate(stop - start for start, stop in spans)]
        self._ends = [0, *(stop - shift for (_, stop), shift in zip(spans, self._shifts[1:], strict=True))]

    def put(self, index: int, char: str) -> bool:
        return self._parent.put(index + self._shifts[bisect_right(self._ends, index) - 1], char)


def is_coloured(text: str) -> bool:
    """Whether a terminal would show `text` in colours."""
    return "\x1b" in text and _COLOUR.search(text) is not None


def is_wide(text: str) -> bool:
    """Whether some words of `text` are UTF-16 or UTF-32 that were taken for bytes."""
    return "\0" in text and _WIDE.search(text) is not None


class JoinedPassage(Passage):
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
        super().__init__(self.decoded(self._raw))

    @staticmethod
    def decoded(raw: str) -> str:
        """Return what the inside of a JSON string literal reads as."""
        return _JSON_ESCAPE.sub(_unescaped, raw) if "\\" in raw else raw

    def put(self, index: int, char: str) -> bool:
        if len(self._raw) == len(self.text):
            return self._parent.put(self._start + index, char)
        if self._spans is None:
            self._spans = _starts(self._raw, _JSON_ESCAPE)
        start, stop = self._spans[index], self._spans[index + 1]
        if stop - start == 1:
            return self._parent.put(self._start + start, char)
        # A character beyond U+FFFF is written as two units, and its filler is one too.
        written = char.encode("utf-16-be", "surrogatepass").hex() if stop - start >= 6 else ""
        changed = False
        for unit in range(len(written) // 4):
            for offset in range(4):
                changed |= self._parent.put(self._start + start + unit * 6 + 2 + offset, written[unit * 4 + offset])
        return changed


class CodeString(Passage):
    r"""A passage in which strings stand as code, a log or a mail writes them: `\n`, `\x3d`, `\033[31m`, `=3D`.

    What is written as hexadecimals is overwritten so; other escapes stay, as in a JSON string.
    """

    __slots__ = ("_parent", "_starts")

    def __init__(self, parent: Passage) -> None:
        super().__init__(self.decoded(parent.text))
        self._parent = parent
        self._starts: list[int] | None = None

    @staticmethod
    def decoded(raw: str) -> str:
        """Return what `raw` reads as, in which each escape is one character."""
        return _CODE_ESCAPE.sub(_read_escape, raw)

    def put(self, index: int, char: str) -> bool:
        if self._starts is None:
            self._starts = _starts(self._parent.text, _CODE_ESCAPE)
        start, stop = self._starts[index], self._starts[index + 1]
        if stop - start == 1:
            return self._parent.put(start, char)
        if _HEXADECIMAL.fullmatch(self._parent.text, start, stop) is None:
            return False
        changed = False
        for offset, digit in enumerate(f"{ord(char):0{stop - start - 2}x}", start=start + 2):
            changed |= self._parent.put(offset, digit)
        return changed


def has_escapes(text: str) -> bool:
    """Whether `text` has what a `CodeString` reads as something else."""
    return _BEGINS_ESCAPE.search(text) is not None and _CODE_ESCAPE.search(text) is not None


class PercentEncoded(Passage):
    """A passage of a URL or form with `%XX` decoded as UTF-8, and `plus`: with `+` for a space."""

    __slots__ = ("_parent", "_spans")

    def __init__(self, parent: Passage, *, plus: bool = False) -> None:
        self._parent = parent
        raw = parent.text.replace("+", " ") if plus else parent.text
        found = bytearray()
        spans: list[int] = []
        position = 0
        for match in _PERCENT.finditer(raw):
            _take(raw[position : match.start()], position, found, spans)
            spans.append(match.start())
            found.append(int(match.group()[1:], 16))
            position = match.end()
        _take(raw[position:], position, found, spans)
        spans.append(len(raw))
        text = found.decode("utf-8", "surrogateescape")
        super().__init__(text)
        # Where each character starts: at its first byte.
        at = accumulate((width(each) for each in text), initial=0)
        self._spans = spans if text.isascii() else [spans[byte] for byte in at]

    def put(self, index: int, char: str) -> bool:
        start, stop = self._spans[index], self._spans[index + 1]
        if stop - start == 1:
            return self._parent.put(start, char)
        changed = False
        for number, byte in enumerate(char.encode("utf-8", "surrogateescape")):
            for offset, digit in enumerate(f"{byte:02X}"):
                changed |= self._parent.put(start + number * 3 + 1 + offset, digit)
        return changed


def _read_escape(match: re.Match[str]) -> str:
    if match["mail"] is not None:
        return "="
    if match["octal"] is not None:
        return chr(int(match["octal"], 8))
    digits = match["byte"] or match["unit"]
    return chr(int(digits, 16)) if digits is not None else _JSON_SHORT.get(match.group()[1:], " ")


def _take(raw: str, start: int, found: bytearray, spans: list[int]) -> None:
    """Add what stands unencoded: each byte of a character at the character's own place."""
    if raw.isascii():
        spans.extend(range(start, start + len(raw)))
        found += raw.encode()
        return
    for index, char in enumerate(raw, start):
        spans.extend([index] * width(char))
        found += char.encode("utf-8", "surrogateescape" if 0xDC80 <= ord(char) <= 0xDCFF else "surrogatepass")


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
        self._content[index] = ord(char) & 0xFF
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
