"""The shape of an answer of Gemini, read from its bytes by a reader of its own; see `shapes` for what a shape is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.servers.shapes import KeySet


def key_sets(body: bytes, content_type: str) -> set[KeySet]:
    """Return the key sets of an answer, streamed or whole, or of an error."""
    if content_type.startswith("text/event-stream") and body.startswith(b"data:"):
        lines = (line.removeprefix("data:") for line in body.decode().splitlines() if line)
        return {found for line in lines for found in _key_sets("chunk", json.loads(line))}
    return set(_key_sets("whole", json.loads(body)))


def _key_sets(kind: str, value: Any, path: str = "$") -> Iterator[KeySet]:
    if isinstance(value, dict):
        yield KeySet("error" if "error" in value else kind, path, tuple(value))
        for name, member in value.items():
            # The arguments of a call are its model's words; what details an error has is its own matter.
            if name not in {"args", "details"}:
                yield from _key_sets("error" if name == "error" else kind, member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _key_sets(kind, member, f"{path}[]")
