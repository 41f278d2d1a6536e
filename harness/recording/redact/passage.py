"""Decoded text that knows where each of its characters is written.

A secret is looked for where it is readable: in a JSON string without its escapes, in deltas put together, in decoded
base64. It is blotted where it is written. A `Passage` joins the two: `text` to search, and `put` to overwrite one
character of it in the raw text, without ever changing the raw text's length.

Passages stack: the arguments of a tool call are a JSON document in a JSON string in a server-sent event. How a text is
written in another is a `Coding`, but for base64, whose characters stand for parts of bytes.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

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


#: Colours, and what grep writes beside them.
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: ASCII characters of UTF-16 or UTF-32 one after the other, of either order.
_WIDE = re.compile(r"(?:[\t\r\n -~]\0{1,3}){8}")
#: How an escape of code begins, and all that are read. A terminal's sequence is one as it is, and as code writes it.
_BEGINS_ESCAPE = re.compile("[\\\\\x1b\x9b]|=3[Dd]|&[aglq#]")
_CODE_ESCAPE = re.compile(
    r"(?:(?:\x1b|\\(?:x1[bB]|u001[bB]|033|e))\[|\x9b)[0-9;]*[A-Za-z]"
    r"|\\(?:[nrtbfv\"']|x(?P<byte>[0-9a-fA-F]{2})|u(?P<unit>[0-9a-fA-F]{4})|(?P<octal>[0-3][0-7]{2}))|(?P<mail>=3[Dd])"
    r"|&(?:quot|apos|amp|[lg]t|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
)
#: An escape of one number, in octal, hexadecimal or decimal.
_NUMBER = re.compile(r"(\\[xu]?|&#[xX]?)([0-9a-fA-F]+)(;?)")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {quote: quote for quote in "\"'"}
_URL_SAFE = str.maketrans("-_", "+/")
_STANDARD = str.maketrans("+/", "-_")


class Coding(NamedTuple):
    """A way in which a text is written in another."""

    #: What stands for something else than itself, and for which characters: for none, for one, or, as bytes do, for some.
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], str]
    #: What to write in place of so many characters that stand for one, for another; nothing where that can't be done.
    write: Callable[[str, str], str]

    def decoded(self, raw: str) -> str:
        """Return what `raw` reads as."""
        return self.pattern.sub(self.read, raw)

    def starts(self, raw: str) -> list[int]:
        """Return where in `raw` each character that it reads as starts, and the end."""
        starts: list[int] = []
        position = 0
        for match in self.pattern.finditer(raw):
            starts.extend(range(position, match.start()))
            position, chars = match.start(), self.read(match)
            of_byte = len(match.group()) // max(1, sum(map(width, chars)))
            for char in chars:
                starts.append(position)
                position += of_byte * width(char)
            position = match.end()
        return [*starts, *range(position, len(raw) + 1)]


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group()
    if escape[1] != "u" or len(escape) == 2:
        return _SHORT.get(escape[1], escape[1])
    return bytes.fromhex(escape.replace("\\u", "")).decode("utf-16-be", "surrogatepass")


def _unescaped_code(match: re.Match[str]) -> str:
    if match["mail"] is not None:
        return "="
    if match.group()[0] == "&":
        return html.unescape(match.group())
    if match["octal"] is not None:
        return chr(int(match["octal"], 8))
    digits = match["byte"] or match["unit"]
    return chr(int(digits, 16)) if digits is not None else _SHORT.get(match.group()[1:], " ")


def _escaped(raw: str, char: str) -> str:
    """What is written as a number is overwritten so. Other escapes stay: no character fits in the place of one."""
    if (number := _NUMBER.fullmatch(raw)) is not None:
        mark, digits, end = number.groups()
        base = {"&#": "d", "\\": "o"}.get(mark, "x")
        written = f"{mark}{ord(char):0{len(digits)}{base}}{end}"
    else:
        units = char.encode("utf-16-be", "surrogatepass").hex()
        written = "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
    return written if len(written) == len(raw) else ""


#: The inside of a JSON string literal.
JSON: Final = Coding(
    re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL),
    _unescaped,
    _escaped,
)
#: Strings as code, a log, a mail or a page writes them: `\n`, `\x3d`, `\033[31m`, `=3D`, `&quot;`.
CODE: Final = Coding(_CODE_ESCAPE, _unescaped_code, _escaped)
#: A URL, with `%XX` for the bytes of UTF-8; and a form, with `+` for a space besides.
URL: Final = Coding(
    re.compile("(?:%[0-9a-fA-F]{2})+"),
    lambda match: bytes.fromhex(match.group().replace("%", "")).decode("utf-8", "surrogateescape"),
    lambda raw, char: "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape")),
)
FORM: Final = Coding(
    re.compile(rf"{URL.pattern.pattern}|\+"),
    lambda match: " " if match.group() == "+" else URL.read(match),
    URL.write,
)
#: Bytes, one a character, that are UTF-8.
UTF_8: Final = Coding(
    re.compile("[\x80-\xff]+"),
    lambda match: match.group().encode("latin-1").decode("utf-8", "surrogateescape"),
    lambda raw, char: char.encode("utf-8", "surrogateescape").decode("latin-1"),
)
#: Bytes, one a character, that are UTF-16 or UTF-32: without the zeros of ASCII characters.
WIDE: Final = Coding(re.compile("\0+"), lambda match: "", lambda raw, char: char)
#: Base64 in lines, as in mail and keys: without the ends of the lines, and what the next one is indented or quoted by.
FOLDED: Final = Coding(
    re.compile(r"(?<=[A-Za-z0-9+/_-]{60})\r?\n[ \t>]{0,40}+(?=[A-Za-z0-9+/_-])"),
    lambda match: "",
    lambda raw, char: char,
)
#: What a terminal shows, without the sequences by which it colours a text (ECMA-48, 5.4).
COLOURED: Final = Coding(_COLOUR, lambda match: "", lambda raw, char: char)


def is_coloured(text: str) -> bool:
    """Whether a terminal would show `text` in colours."""
    return "\x1b" in text and _COLOUR.search(text) is not None


def is_wide(text: str) -> bool:
    """Whether some words of `text` are UTF-16 or UTF-32 that were taken for bytes."""
    return "\0" in text and _WIDE.search(text) is not None


def has_escapes(text: str) -> bool:
    """Whether `text` has what code reads as something else."""
    return _BEGINS_ESCAPE.search(text) is not None and _CODE_ESCAPE.search(text) is not None


class Passage(ABC):
    """A text to search, each character of which can be overwritten in the raw text behind it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @abstractmethod
    def put(self, index: int, char: str) -> bool:
        """Write `char` over character `index`; True where that changed the raw text."""

    def blot(self, start: int, stop: int, protected: frozenset[int] = frozenset()) -> bool:
        """Write filler over the characters from `start` to `stop` that are not protected; True where that changed anything.

        Quotes, backslashes and control characters stay: the framing around a passage may be made of them, and JSON
        writes them in two characters, so that they could not be blotted alike everywhere.
        """
        changed = False
        for index in range(start, stop):
            if self.text[index] not in _LASTING and index not in protected:
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


class Decoded(Passage):
    """A passage as a coding reads it."""

    __slots__ = ("_coding", "_parent", "_starts")

    def __init__(self, parent: Passage, coding: Coding) -> None:
        super().__init__(coding.decoded(parent.text))
        self._parent = parent
        self._coding = coding
        self._starts: list[int] | None = None

    def put(self, index: int, char: str) -> bool:
        if self._starts is None:
            self._starts = self._coding.starts(self._parent.text)
        start, stop = self._starts[index : index + 2]
        written = char if stop - start == 1 else self._coding.write(self._parent.text[start:stop], char)
        changed = False
        for place, each in enumerate(written, start):
            changed |= self._parent.put(place, each)
        return changed


class JoinedPassage(Passage):
    """Passages one after the other: the deltas of one field, or what may be such."""

    __slots__ = ("_pieces", "_starts")

    def __init__(self, pieces: Sequence[Passage]) -> None:
        super().__init__("".join(piece.text for piece in pieces))
        self._pieces = pieces
        self._starts = list(accumulate((len(piece.text) for piece in pieces), initial=0))

    def blot(self, start: int, stop: int, protected: frozenset[int] = frozenset()) -> bool:
        # What was blotted before went no further than its piece, so that what follows it is another text.
        edge = self._starts[bisect_right(self._starts, start)]
        seen = self.text[start:edge]
        return super().blot(start, stop if seen.strip(FILLERS) else min(stop, edge), protected)

    def put(self, index: int, char: str) -> bool:
        at = bisect_right(self._starts, index) - 1
        return self._pieces[at].put(index - self._starts[at], char)


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
