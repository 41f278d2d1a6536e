"""The strings of a JSON text, each with the field that it stands under and the place where it is written.

A tolerant walk, not a parser: a body that was cut in the middle, or several documents one after the other, give
what is there. Nothing is built but the list of leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from harness.recording.redact.names import is_exempt, is_schema_word, is_secret_name
from harness.recording.redact.passage import JsonString, Number, Passage

_TOKEN = re.compile(r'"(?P<inside>[^"\\]*(?:\\.[^"\\]*)*)"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

#: Fields that tell apart the streams of deltas that one response interleaves: choices, content blocks, tool calls.
_MARKS = frozenset(
    {"call_id", "call_type", "content_index", "contentBlockIndex", "index", "item_id", "output_index", "summary_index"}
) | {"thought", "type"}
#: How many levels, from the inside out, an address takes in: beyond any provider's, and cheap in hostile nesting.
_ADDRESS_DEPTH = 64
#: A list whose elements go on with one another's text: a Gemini answer has its deltas in whatever part comes next.
_CONTINUED_LISTS = frozenset({"parts"})


@dataclass(eq=False)
class Container:
    """An object or list, as far as it has been read."""

    #: The name that it stands under; a list's elements stand under the list's own.
    key: str
    parent: Container | None
    is_object: bool
    #: Its place among the elements of a list, else 0.
    position: int
    #: Whether it stands under a secret name, itself or further out.
    secret: bool
    marks: dict[str, str] = field(default_factory=dict)
    #: How many values a list has begun.
    length: int = 0

    @cached_property
    def address(self) -> tuple[object, ...]:
        """What the same field has in common in every event of a stream. Only to be asked when all has been read."""
        return tuple(
            # Only an event's own `type` counts: the first delta of a tool call has one where the later ones have none.
            (each.key, each.position, *sorted(m for m in each.marks.items() if m[0] != "type" or each.parent is None))
            for each in self._outwards()
        )

    @cached_property
    def path(self) -> str:
        """The names from the outside in, for a reader."""
        names = [each.key for each in self._outwards() if each.parent is not None and each.parent.is_object]
        return ".".join(reversed(names))

    def _outwards(self) -> Iterator[Container]:
        each: Container | None = self
        for _ in range(_ADDRESS_DEPTH):
            if each is None:
                return
            yield each
            each = each.parent


@dataclass(frozen=True, slots=True)
class Leaf:
    """One string, number or name in a document."""

    kind: Literal["string", "number", "name"]
    passage: Passage
    #: The field that it stands under; for a name, the name itself.
    key: str
    container: Container

    @property
    def exempt(self) -> bool:
        """Whether no rule may touch it. Only to be asked when all has been read."""
        return self.kind == "string" and is_exempt(self.key, self.container.marks.get("type", "").strip('"'))

    @property
    def secret(self) -> bool:
        """Whether its place alone makes it a secret."""
        if self.kind == "name":
            return False
        return is_secret_name(self.key) or (self.container.secret and not is_schema_word(self.key))

    @property
    def address(self) -> tuple[object, ...]:
        """Equal for the leaves whose texts, one after the other, are one field's."""
        return (self.kind, self.key, self.container.address)

    @property
    def path(self) -> str:
        """Its place, for a reader."""
        outer = self.container.path
        if not self.container.is_object:
            return outer
        return f"{outer}.{self.key}" if outer else self.key


def leaves(document: Passage) -> list[Leaf]:
    """Return every string, number and name in the JSON text `document`, in order."""
    return list(_walk(document))


def _walk(document: Passage) -> Iterator[Leaf]:
    container: Container | None = None
    key = ""
    expects_name = False
    for match in _TOKEN.finditer(document.text):
        token = match.group()
        first = token[0]
        if first == ",":
            expects_name = container is not None and container.is_object
        elif first == ":":
            expects_name = False
        elif first in "{[":
            container = _inner(container, key, is_object=first == "{")
            key = container.key
            expects_name = first == "{"
        elif first in "}]":
            container, key = _closed(container)
        elif container is None:
            continue
        elif first == '"':
            passage = JsonString(document, *match.span("inside"))
            if expects_name:
                key = passage.text
                yield Leaf("name", passage, key, container)
                continue
            _begin_value(container, key, token)
            yield Leaf("string", passage, key, container)
        else:
            _begin_value(container, key, token)
            if _NUMBER.fullmatch(token):
                yield Leaf("number", Number(document, match.start(), match.end()), key, container)


def _inner(outer: Container | None, key: str, *, is_object: bool) -> Container:
    if outer is None:
        return Container("", None, is_object, 0, secret=False)
    position = 0
    if not outer.is_object:
        # A list as the whole body is a stream written as one: Gemini's answer without server-sent events.
        position = 0 if outer.parent is None or outer.key in _CONTINUED_LISTS else outer.length
        outer.length += 1
        key = outer.key
    secret = is_secret_name(key) or (outer.secret and not is_schema_word(key))
    return Container(key, outer, is_object, position, secret)


def _closed(container: Container | None) -> tuple[Container | None, str]:
    """The container around `container`, and the name that further values in it stand under."""
    if container is None or container.parent is None:
        return None, ""
    outer = container.parent
    if container.key == "tool_call":
        # The runtime's frames name the call of a delta in an object beside the delta.
        outer.marks["tool_call"] = container.marks.get("index", "")
    return outer, "" if outer.is_object else outer.key


def _begin_value(container: Container, key: str, token: str) -> None:
    if container.is_object:
        if key in _MARKS:
            container.marks[key] = token
    else:
        container.length += 1
