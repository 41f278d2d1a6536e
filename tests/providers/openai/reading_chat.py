"""What an OpenAI chat answer says, read from its bytes by the suite's own reader, in the names of a replay's result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.wire import read


@dataclass(frozen=True)
class Reading:
    """One answer; the names are those of a replay's result."""

    text: str
    #: `[{id, type, function: {name, arguments}}]`.
    tool_calls: list[dict[str, Any]]
    usage: dict[str, int] | None
    finish_reason: str | None


def read_stream(body: bytes) -> Reading:
    """Read the events of a stream, up to `[DONE]`."""
    return _reading(body, streamed=True)


def read_plain(body: bytes) -> Reading:
    """Read an answer that was not streamed."""
    return _reading(body, streamed=False)


def _reading(body: bytes, *, streamed: bool) -> Reading:
    found = read("openai", body, streamed=streamed)
    assert found.ended, "the recorded stream has no end marker"
    assert not found.failed
    return Reading(
        found.text,
        [
            {"id": call.id or "", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in found.calls
        ],
        found.usage,
        found.finish_reason,
    )
