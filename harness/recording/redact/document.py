"""The strings of a JSON text, each with the field that it stands under and the place where it is written.

A tolerant walk, not a parser: a body that was cut in the middle, or several documents one after the other, give
what is there. Numbers are passed over, but for those by which a stream tells its deltas apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from harness.recording.redact.names import Weight, is_exempt, is_option, is_schema_word
from harness.recording.redact.passage import JSON, Decoded, Passage, Slice

#: A string, whole or torn, with the colon that makes it a name; or what opens and closes.
_TOKEN = re.compile(r'"((?:[^"\\]++|\\.)*+)"?(\s{0,40}:)?|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(r"\s*([^\s{}\[\],:\"]+)")
_NUMBERS = re.compile(r"[0-9]+")

#: Fields that tell apart the streams of deltas that one response interleaves: choices, content blocks, tool calls. And
#: what `_BESIDE` is about.
_MARKS = frozenset(
    {"call_id", "call_type", "content_index", "contentBlockIndex", "index", "item_id", "output_index", "summary_index"}
) | {"grant_type", "kty", "thought", "type"}
#: Fields of an object that say what another field of it is: `{"name": "Cookie", "value": "a=b"}`.
_TITLES = frozenset(
    {"name", "key", "header", "k"} | {"Name", "Key", "Header", "K"} | {"NAME", "KEY", "HEADER", "ParameterKey"}
)
_TITLED = frozenset({"value", "v", "Value", "V", "VALUE", "ParameterValue"})
#: A field of an object, and one that it makes another thing: a code that is exchanged for a token (RFC 6749, 4.1.3), and
#: the private parts of a key (RFC 7518, 6).
_BESIDE = {("grant_type", "code"): "authorization_code"} | {
    ("kty", part): "private_key" for part in ("d", "dp", "dq", "k", "p", "q", "qi")
}
#: What announces another element of a list is no longer than this; so no text is kept with what is known of names.
_LONGEST_NAME = 64
#: How many levels an address takes in: beyond any provider's, and cheap in hostile nesting.
_ADDRESS_DEPTH = 64
#: A list whose elements go on with one another's text: a Gemini answer has its deltas in whatever part comes next.
_CONTINUED_LISTS = frozenset({"parts"})
#: What holds pieces of a text, by the names of providers and of this runtime: these are never whole texts.
_DELTAS = frozenset({"delta", "partial_json", "chunk", "parts", "choices", "tool_call"})


class Container:
    """An object or list, as far as it has been read."""

    __slots__ = (
        *("_address", "depth", "in_pieces", "is_object", "key", "last", "length", "marks", "parent", "position"),
        *("secret", "title"),
    )

    def __init__(self, key: str, parent: Container | None, *, is_object: bool, position: int, secret: bool) -> None:
        #: The name that it stands under; a list's elements stand under the list's own.
        self.key = key
        self.parent = parent
        self.is_object = is_object
        #: Its place among the containers of a list, else 0.
        self.position = position
        self.depth: int = 0 if parent is None else parent.depth + 1
        #: Whether it stands under a secret name, itself or further out.
        self.secret = secret
        #: Whether what it holds are pieces of a text that goes on in the next event.
        self.in_pieces: bool = key in _DELTAS or (parent is not None and parent.in_pieces)
        self.marks: dict[str, str] | None = None
        #: What an object says that its value is: the content of its `name`.
        self.title = ""
        #: The string that came last in a list, where the next one follows it at once.
        self.last: str | None = None
        #: How many containers a list has begun.
        self.length = 0
        self._address: object = None

    @property
    def address(self) -> object:
        """What the same field has in common in every event of a stream. Only to be asked when all has been read."""
        if self._address is None:
            marks = self.marks
            if marks and self.parent is not None and "type" in marks:
                # Only an event's own `type` counts: the first delta of a tool call has one where later ones have none.
                marks = {name: mark for name, mark in marks.items() if name != "type"}
            around = self.parent.address if self.parent is not None and self.depth % _ADDRESS_DEPTH else None
            self._address = (around, self.key, self.position, tuple(sorted(marks.items())) if marks else ())
        return self._address

    def names(self) -> Iterator[str]:
        """Yield the names that it stands under, from the inside out."""
        each: Container | None = self
        while each is not None:
            if each.parent is not None and each.parent.is_object:
                yield each.key
            each = each.parent


class Leaf:
    """One string or name in a document."""

    __slots__ = (
        *("container", "document", "group", "inside", "key", "kind", "lead", "settles", "start", "stop", "text"),
    )

    def __init__(
        self, kind: Literal["string", "name"], document: Passage, start: int, stop: int, key: str, container: Container
    ) -> None:
        self.kind = kind
        #: Whether a name, its own or one further out, has a say in whether it is a secret; `inside`: one further out.
        self.settles = self.inside = False
        #: What stands before it in a list and may announce it: an option, or the name in a pair; else empty.
        self.lead = ""
        #: Its address, in short, among the leaves of one stream.
        self.group: int | None = None
        self.document = document
        self.start = start
        self.stop = stop
        #: The field that it stands under; for a name, the name itself.
        self.key = key
        self.container = container
        raw = document.text[start:stop]
        #: As it reads, without escapes.
        self.text = JSON.decoded(raw) if "\\" in raw else raw

    def like(self, document: Passage, raw: str, start: int) -> Leaf:
        """Return the leaf that stands in the same place of another document, where `raw` is written from `start` on."""
        leaf = Leaf.__new__(Leaf)
        leaf.kind, leaf.key, leaf.container = self.kind, self.key, self.container
        leaf.settles, leaf.inside, leaf.group, leaf.lead = self.settles, self.inside, self.group, self.lead
        leaf.document, leaf.start, leaf.stop = document, start, start + len(raw)
        leaf.text = JSON.decoded(raw) if "\\" in raw else raw
        return leaf

    @property
    def passage(self) -> Passage:
        """The string, to be blotted in."""
        raw = Slice(self.document, self.start, self.stop)
        return Decoded(raw, JSON) if "\\" in raw.text else raw

    @property
    def exempt(self) -> bool:
        """Whether no rule may touch it. Only to be asked when all has been read."""
        marks = self.container.marks
        return self.kind == "string" and is_exempt(self.key, marks.get("type") if marks else None)

    @property
    def title(self) -> str:
        """What its object says that it is, beside the field's own name; empty where nothing does. Ask when all has been read."""
        if self.key in _TITLED:
            return self.container.title
        return next((_BESIDE[mark, self.key] for mark in self.container.marks or () if (mark, self.key) in _BESIDE), "")

    @property
    def address(self) -> object:
        """Equal for the leaves whose texts, one after the other, are one field's."""
        return (self.kind, self.key, self.container.address)

    @property
    def is_piece(self) -> bool:
        """Whether it is sure to be a piece of a text that goes on in the next event."""
        return self.key in _DELTAS or self.container.in_pieces

    @property
    def path(self) -> str:
        """Its place, for a reader."""
        names = [*reversed(list(self.container.names()))]
        return ".".join([*names, self.key] if self.container.is_object else names)


def leaves(document: Passage, weight: Callable[[str], Weight]) -> list[Leaf]:
    """Return every string and name in the JSON text `document`, in order; `weight` judges names."""
    found: list[Leaf] = []
    container: Container | None = None
    key = ""
    settles: Weight = "none"
    text = document.text
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first == '"':
            if container is None:
                continue
            start, stop = match.span(1)
            if container.is_object and (match[2] is not None or not _follows_colon(text, start - 1)):
                leaf = Leaf("name", document, start, stop, "", container)
                key = leaf.key = leaf.text
                settles = weight(key)
                found.append(leaf)
                if key in _MARKS and (scalar := _SCALAR.match(text, match.end())) is not None:
                    _mark(container, key, scalar[1])
                continue
            leaf = Leaf("string", document, start, stop, key, container)
            leaf.inside = container.secret and not is_schema_word(key)
            leaf.settles = leaf.inside or settles != "none"
            found.append(leaf)
            if container.is_object:
                if key in _MARKS:
                    _mark(container, key, leaf.text)
                elif key in _TITLES:
                    container.title = leaf.text
            else:
                if container.last is not None and may_lead(container.last, weight):
                    leaf.lead = container.last if is_option(container.last) or _is_pair(container) else ""
                container.last = leaf.text
        elif first in "{[":
            container = _inner(container, key, settles, is_object=first == "{")
            key, settles = container.key, "none" if first == "{" else settles
        elif container is not None:
            container, key = _closed(container)
            settles = weight(key) if key else "none"
    return found


def _follows_colon(text: str, position: int) -> bool:
    """Whether the string whose quote stands at `position` is a value; for the last, torn one of a document."""
    while position and text[position - 1] in " \t\r\n":
        position -= 1
    return bool(position) and text[position - 1] == ":"


def numbers(document: Passage, leaf_start: int) -> Iterator[Slice]:
    """Yield the whole numbers of the list that begins at `leaf_start` of `document`."""
    stop = document.text.find("]", leaf_start)
    for match in _NUMBERS.finditer(document.text, leaf_start, stop if stop >= 0 else len(document.text)):
        yield Slice(document, *match.span())


def mark_names(text: str) -> Iterator[int]:
    """Yield where the values begin, inside of their quotes, by which events are told apart."""
    for match in _MARK_VALUE.finditer(text):
        yield match.end()


_MARK_VALUE = re.compile(rf'"(?:{"|".join(sorted(_MARKS | _TITLES))})"\s{{0,40}}:\s{{0,40}}"?')


def _mark(container: Container, key: str, value: str) -> None:
    if container.marks is None:
        container.marks = {}
    container.marks[key] = value


def may_lead(text: str, weight: Callable[[str], Weight]) -> bool:
    """Return whether `text`, in a list, may announce what follows it there."""
    return len(text) <= _LONGEST_NAME and (is_option(text) or weight(text) != "none")


def _is_pair(container: Container) -> bool:
    """Whether a list is one of a list's: a pair of a name and a value, as of header fields."""
    return container.parent is not None and not container.parent.is_object


def _inner(outer: Container | None, key: str, settles: Weight, *, is_object: bool) -> Container:
    if outer is None:
        return Container("", None, is_object=is_object, position=0, secret=False)
    outer.last = None
    secret = (settles == "secret" and key != "auth") or (outer.secret and not is_schema_word(key))
    if outer.is_object:
        return Container(key, outer, is_object=is_object, position=0, secret=secret)
    # A list as the whole body is a stream written as one: Gemini's answer without server-sent events.
    position = 0 if outer.parent is None or outer.key in _CONTINUED_LISTS else outer.length
    outer.length += 1
    return Container(outer.key, outer, is_object=is_object, position=position, secret=secret)


def _closed(container: Container) -> tuple[Container | None, str]:
    """The container around `container`, and the name that further values in it stand under."""
    outer = container.parent
    if outer is None:
        return None, ""
    if container.key == "tool_call":
        # The runtime's frames name the call of a delta in an object beside the delta.
        _mark(outer, "tool_call", (container.marks or {}).get("index", ""))
    return outer, "" if outer.is_object else outer.key
