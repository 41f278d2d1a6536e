"""The shape of an answer of Anthropic, read from its bytes by a reader of its own; see `shapes` for what a shape is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.servers.shapes import KeySet


def event_kinds(body: bytes) -> list[str]:
    """Return the kind of each whole event: its name, with the type of its block or delta where it has one.

    Raises:
        ValueError: an event is not JSON, or its name is not its type.
    """
    return [kind for kind, _ in _events(body)]


def key_sets(body: bytes, content_type: str) -> set[KeySet]:
    """Return the key sets of an answer, streamed or whole, or of an error."""
    if content_type.startswith("text/event-stream"):
        return {found for kind, event in _events(body) for found in _key_sets(kind, event)}
    answer = json.loads(body)
    return set(_key_sets(answer["type"], answer))


def _events(body: bytes) -> Iterator[tuple[str, Any]]:
    *whole, _ = body.decode().split("\n\n")
    for event in whole:
        first, data = event.strip("\n").split("\n")
        value = json.loads(data.removeprefix("data:"))
        if first.removeprefix("event: ") != value["type"]:
            raise ValueError(f"{first!r} is not the name of {value['type']!r}")
        inner = value.get("content_block") or value.get("delta") or {}
        yield f"{value['type']} {inner.get('type', '')}".strip(), value


def _key_sets(kind: str, value: Any, path: str = "$") -> Iterator[KeySet]:
    if isinstance(value, dict):
        # A block is told apart by its type, since what others it stands among is no matter of shape.
        kind = f"{kind} {value['type']}" if path.endswith("[]") and "type" in value else kind
        # The arguments of a call are its model's words.
        yield KeySet(kind, path, tuple(value))
        for name, member in value.items():
            if name != "input":
                yield from _key_sets(kind, member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _key_sets(kind, member, f"{path}[]")
