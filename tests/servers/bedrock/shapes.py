"""The shape of an answer of Bedrock Converse, read from its bytes by a reader of its own; see `shapes` for what that is."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from tests.servers.shapes import KeySet


def messages(body: bytes) -> Iterator[tuple[dict[str, str], Any]]:
    """Yield the headers and the JSON of each message of an AWS event stream.

    Raises:
        ValueError: a checksum is wrong, or the last message is torn.
    """
    while body:
        total, head = struct.unpack_from(">II", body)
        if len(body) < total:
            raise ValueError(f"the last message has {len(body)} of its {total} bytes")
        message, body = body[:total], body[total:]
        for covered in (8, total - 4):
            if struct.unpack_from(">I", message, covered)[0] != zlib.crc32(message[:covered]):
                raise ValueError(f"the checksum after {covered} bytes is wrong")
        yield dict(_headers(message[12 : 12 + head])), json.loads(message[12 + head : -4])


def _headers(text: bytes) -> Iterator[tuple[str, str]]:
    while text:
        end = 1 + text[0]
        kind, length = struct.unpack_from(">BH", text, end)
        if kind != 7:
            raise ValueError(f"a header has the type {kind}, and only strings are known")
        yield text[1:end].decode(), text[end + 3 : end + 3 + length].decode()
        text = text[end + 3 + length :]


def event_kinds(body: bytes) -> list[str]:
    """Return the kind of each event: its type, with what its delta or start holds."""
    return [_kind(headers, event) for headers, event in messages(body)]


def _kind(headers: dict[str, str], event: Any) -> str:
    inner = event.get("delta") or event.get("start") or {}
    kind = headers.get(":event-type") or headers[":exception-type"]
    return " ".join([kind, *inner])


def key_sets(body: bytes, content_type: str) -> set[KeySet]:
    """Return the key sets of an answer, streamed or whole, or of an error."""
    if content_type == "application/vnd.amazon.eventstream":
        return {
            found
            for headers, event in messages(body)
            for found in [
                KeySet(_kind(headers, event), "headers", tuple(headers)),
                *_key_sets(_kind(headers, event), event),
            ]
        }
    answer = json.loads(body)
    return set(_key_sets("answer" if "output" in answer else "error", answer))


def _key_sets(kind: str, value: Any, path: str = "$") -> Iterator[KeySet]:
    if isinstance(value, dict):
        yield KeySet(kind, path, tuple(value))
        for name, member in value.items():
            # The arguments of a call are its model's words.
            if name != "input":
                yield from _key_sets(kind, member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _key_sets(kind, member, f"{path}[]")
