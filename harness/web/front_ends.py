"""What the clients of other protocols post: the run that they ask for, and the form in which they read it.

Sources: AG-UI 1.0, `RunAgentInput`; Vercel's AI SDK 7, `DefaultChatTransport`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UsageError
from harness.web.formats import EventFormat, agui_format, format_named

#: Shorter ids could be guessed, and longer ones are none.
_ID_LENGTHS = range(8, 201)


@dataclass(frozen=True)
class FrontEndRequest:
    """A run that a client has asked for in its own protocol's words."""

    #: The latest message of its user; None where there is none.
    message: str | None
    #: The client's name of the conversation.
    conversation: str
    #: How it reads the run.
    format: EventFormat
    inputs: Mapping[str, Any] = field(default_factory=dict)


def front_end_request(format_name: str, body: Mapping[str, Any]) -> FrontEndRequest:
    """Return what is asked for by a client of a protocol.

    Raises:
        UsageError: it is none that posts, or the body is not one of its own.
    """
    if format_name == "agui":
        thread = _id_in(body, "threadId")
        state = body.get("state")
        return FrontEndRequest(
            _latest(body, "content"),
            thread,
            agui_format(thread, _id_in(body, "runId")),
            state if isinstance(state, dict) else {},
        )
    if format_name == "vercel":
        inputs = body.get("inputs", {})
        if not isinstance(inputs, dict):
            raise UsageError("inputs are an object, a value by each name")
        return FrontEndRequest(_latest(body, "parts"), _id_in(body, "id"), format_named("vercel"), inputs)
    raise UsageError(f"a run is started and read in one request as agui or vercel, not as {format_name[:50]!r}")


def _id_in(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) not in _ID_LENGTHS:
        raise UsageError(f"{name} is an id of {_ID_LENGTHS.start} to {_ID_LENGTHS.stop - 1} characters")
    return value


def _latest(body: Mapping[str, Any], where: str) -> str | None:
    """Return the text of the latest message of the user."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise UsageError("messages are a list of objects")
    said = next((one.get(where) for one in reversed(messages) if one.get("role") == "user"), None)
    if isinstance(said, list):
        texts = [part.get("text") for part in said if isinstance(part, dict) and part.get("type") == "text"]
        said = "".join(text for text in texts if isinstance(text, str))
    if said is not None and not isinstance(said, str):
        raise UsageError(f"{where} of a message is text, or a list of parts")
    return said
