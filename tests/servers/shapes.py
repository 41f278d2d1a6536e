"""The shape of an OpenAI chat answer, read from its bytes by a reader of its own.

A shape is what a client depends on besides the text: the kinds of events, their order, the keys of every object in
wire order, and the end marker. It is used to hold authored traffic against live traffic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

END_MARKER: Final = "[DONE]"


@dataclass(frozen=True, order=True)
class KeySet:
    """The keys of one object: the event's kind, the path to the object, its keys in wire order."""

    kind: str
    path: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class EventShape:
    """One event, or one plain body.

    Kinds of events: `role` (with `+tool_call` where it opens one), `content`, `refusal`, `tool_call`,
    `tool_arguments`, `finish`, `usage`, `error_event`; of plain bodies: `completion`, `error`; of neither: `unknown`.
    """

    kind: str
    key_sets: tuple[KeySet, ...]


@dataclass(frozen=True)
class Shape:
    """A stream: its events without the end marker."""

    events: tuple[EventShape, ...]
    #: `[DONE]` where it came last, else None.
    end_marker: str | None
    #: Whether the bytes break off inside an event.
    torn: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(event.kind for event in self.events)

    @property
    def key_sets(self) -> frozenset[KeySet]:
        return frozenset(keys for event in self.events for keys in event.key_sets)


def stream_shape(body: bytes) -> Shape:
    """Read a body of server-sent events.

    Raises:
        ValueError: an event is not JSON, or something follows the end marker.
    """
    texts, torn = _event_texts(body)
    end_marker = texts.pop() if texts and texts[-1] == END_MARKER else None
    events = []
    for text in texts:
        event = json.loads(text)
        events.append(_event_shape(_stream_kind(event), event))
    return Shape(tuple(events), end_marker, torn)


def plain_shape(body: bytes) -> EventShape:
    """Read the body of an answer that was not streamed.

    Raises:
        ValueError: it is not JSON.
    """
    answer = json.loads(body)
    kind = "error" if "error" in answer else "completion" if "choices" in answer else "unknown"
    return _event_shape(kind, answer)


def _event_texts(body: bytes) -> tuple[list[str], bool]:
    """The data of each whole event, and whether an incomplete one follows.

    As in the HTML standard's "Interpreting an event stream": lines end in CRLF, LF or CR, an empty line ends an event.
    """
    texts: list[str] = []
    pending: list[str] = []
    *lines, rest = re.split(b"\r\n|\n|\r", body)
    for line in (line.decode() for line in lines):
        if line.startswith("data:"):
            pending.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and pending:
            texts.append("\n".join(pending))
            pending.clear()
    return texts, bool(rest or pending)


def _stream_kind(event: Any) -> str:
    if "error" in event:
        return "error_event"
    if not event.get("choices"):
        return "usage" if event.get("usage") else "unknown"
    choice = event["choices"][0]
    delta = choice["delta"]
    if choice["finish_reason"] is not None:
        return "finish"
    if "role" in delta:
        return "role+tool_call" if "tool_calls" in delta else "role"
    if "tool_calls" in delta:
        return "tool_call" if "id" in delta["tool_calls"][0] else "tool_arguments"
    return next((kind for kind in ("content", "refusal") if kind in delta), "unknown")


def _event_shape(kind: str, event: Any) -> EventShape:
    found = dict.fromkeys(KeySet(kind, path, keys) for path, keys in _objects(event, "$"))
    return EventShape(kind, tuple(found))


def _objects(value: Any, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(value, dict):
        yield path, tuple(value)
        for key, member in value.items():
            yield from _objects(member, f"{path}.{key}")
    elif isinstance(value, list):
        for member in value:
            yield from _objects(member, f"{path}[]")
