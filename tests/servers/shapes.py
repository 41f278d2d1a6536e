"""The shape of an answer, read from its bytes by readers that know no adapter.

A shape is what a client depends on besides the text: the keys of every object, in wire order, by the kind of event that
it stands in. It holds authored traffic against live traffic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from botocore.eventstream import EventStreamBuffer

#: What stands below these is a model's words, or the caller's.
_OPAQUE: Final = {"input", "args", "details", "schema", "parameters", "metadata"}


class KeySet(NamedTuple):
    """The keys of one object: the kind of the event, the path to the object, its keys in wire order."""

    kind: str
    path: str
    keys: tuple[str, ...]


def key_sets(body: bytes) -> set[KeySet]:
    """Return the key sets of an answer, streamed or whole, or of an error.

    Raises:
        ValueError: an event is no JSON.
    """
    return {KeySet(kind, path, keys) for kind, event in _events(body) for path, keys in _objects(event, "$")}


def _events(body: bytes) -> Iterator[tuple[str, Any]]:
    if body.startswith(b"\0"):
        buffer = EventStreamBuffer()
        buffer.add_data(body)
        for message in buffer:
            yield " ".join(str(value) for value in message.headers.values()), json.loads(message.payload)
    elif re.match(rb"data:|event:", body):
        for text in re.findall(r"^data: ?(.*)$", body.decode(), re.MULTILINE):
            if text.strip() != "[DONE]":
                yield _kind(json.loads(text)), json.loads(text)
    else:
        yield _kind(json.loads(body)), json.loads(body)


def _kind(event: Any) -> str:
    return str(event.get("type") or event.get("object") or ("error" if "error" in event else ""))


def _objects(value: Any, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(value, dict):
        yield path, tuple(value)
        for name, member in value.items():
            if name not in _OPAQUE:
                yield from _objects(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _objects(member, f"{path}[]")
