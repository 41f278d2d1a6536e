"""Values of payloads, and events, as the texts that protocols ask for."""

from __future__ import annotations

import json
from typing import Any

import orjson

from harness.frames.codec import encode


def json_text(value: Any) -> str:
    """Return the JSON of a value: of a frame's payload, or of whatever JSON somebody else's event holds."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # A number or a depth that no frame has.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(value: Any) -> str:
    """Return a value as text: a text as it is, nothing for null, else its JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    # What no file can hold is escaped already, and that is what others can read, too.
    return value["$text"] if isinstance(value, dict) and isinstance(value.get("$text"), str) else json_text(value)


def encodable(text: str) -> str:
    """Return a text as frames tell it: one with lone surrogates, which no protocol can send, is escaped."""
    return text_of(encode(text))


def name_in(value: Any) -> str | None:
    """Return a text that is there and not empty."""
    return value if isinstance(value, str) and value else None


def sse_text(event: dict[str, Any] | str) -> str:
    """Return one event as it is sent: its JSON, or a text such as `[DONE]`, as the data of a server-sent event without a name."""
    data = event if isinstance(event, str) else orjson.dumps(event).decode()
    return f"data: {data}\n\n"
