"""What the clients of other protocols post: the run that they ask for, and the form in which they read it.

Sources: AG-UI 1.0, `RunAgentInput`; Vercel's AI SDK 7, `DefaultChatTransport`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.bridges.texts import name_in, text_of
from harness.errors import UsageError
from harness.web.formats import EventFormat, agui_format, format_named, vercel_format

#: Shorter ids could be guessed, and longer ones are none.
_ID_LENGTHS = range(8, 201)
#: The types of parts without which a message asks something else.
_FILES: Final = frozenset({"file", "image", "audio", "video", "document", "binary"})
#: Under which an object has the words of an answer.
_WORDS: Final = ("answer", "feedback", "text", "reason")


@dataclass(frozen=True)
class FrontEndAnswer:
    """What a client answers to a run that has paused, and that is to go on with it."""

    #: The id of the request, as its frame has it.
    question: str
    text: str
    #: The id under which the flow waits, where the client tells it.
    flow: str | None


@dataclass(frozen=True)
class FrontEndRequest:
    """A run that a client has asked for in its own protocol's words."""

    #: The content of the latest message of its user; None where there is none.
    content: str | list[Any] | None
    #: The client's name of the conversation.
    conversation: str
    #: How it reads the run.
    format: EventFormat
    inputs: Mapping[str, Any] = field(default_factory=dict)
    #: Where it asks for no run of its own, but for the rest of one.
    answer: FrontEndAnswer | None = None

    @property
    def message(self) -> str | None:
        """The text of the latest message of its user; None where there is no message. Raises UsageError where it has a file."""
        if not isinstance(self.content, list):
            return self.content
        parts = [part for part in self.content if isinstance(part, dict)]
        files = [part["type"] for part in parts if name_in(part.get("type")) in _FILES]
        if files:
            raise UsageError(
                f"the message has a part of type {files[0]!r}, and only its text would be answered: send text"
            )
        texts = [part.get("text") for part in parts if part.get("type") == "text"]
        return "".join(text for text in texts if isinstance(text, str))


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
            _resumed(body.get("resume")),
        )
    if format_name == "vercel":
        inputs = body.get("inputs", {})
        if not isinstance(inputs, dict):
            raise UsageError("inputs are an object, a value by each name")
        latest, chat = _latest(body, "parts"), _id_in(body, "id")
        last = body["messages"][-1] if body["messages"] else {}
        answer = _approved(last)
        if answer is None:
            return FrontEndRequest(latest, chat, format_named("vercel"), inputs)
        message = last.get("id")
        form = vercel_format(message if isinstance(message, str) else None, answer.question)
        return FrontEndRequest(latest, chat, form, inputs, answer)
    raise UsageError(f"a run is started and read in one request as agui or vercel, not as {format_name[:50]!r}")


def _resumed(resume: Any) -> FrontEndAnswer | None:
    """Return the answer to an interrupt of AG-UI; one that is abandoned is answered with nothing."""
    if resume is None or resume == []:
        return None
    entry = resume[0] if isinstance(resume, list) and len(resume) == 1 else None
    if not isinstance(entry, dict) or not isinstance(entry.get("interruptId"), str):
        raise UsageError("resume has the answer to one interrupt: interruptId, status and payload")
    text = "" if entry.get("status") == "cancelled" else _text_of(entry.get("payload"))
    return FrontEndAnswer(entry["interruptId"], text, _flow_in(entry.get("metadata")))


def _approved(message: Mapping[str, Any]) -> FrontEndAnswer | None:
    """Return what a message of Vercel's SDK answers to a `tool-approval-request` of its own: the reason, or yes or no."""
    parts = message.get("parts") if message.get("role") == "assistant" else None
    objects = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    flow = next((found for part in objects if (found := _flow_in(part.get("data"))) is not None), None)
    for part in reversed(objects):
        approval = part.get("approval")
        question = approval.get("id") if isinstance(approval, dict) else None
        if part.get("state") == "approval-responded" and isinstance(question, str):
            return FrontEndAnswer(question, _text_of(approval), flow)
    return None


def _text_of(payload: Any) -> str:
    """Return an answer as words: a text, that of an object's field for words, whether it approves, or its JSON."""
    if isinstance(payload, dict):
        words = next(filter(None, (name_in(payload.get(name)) for name in _WORDS)), None)
        payload = payload.get("approved", payload) if words is None else words
    if isinstance(payload, bool):
        return "approved" if payload else "rejected"
    return text_of(payload)


def _flow_in(fields: Any) -> str | None:
    return name_in(fields.get("flow_id")) if isinstance(fields, dict) else None


def _id_in(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) not in _ID_LENGTHS:
        raise UsageError(f"{name} is an id of {_ID_LENGTHS.start} to {_ID_LENGTHS.stop - 1} characters")
    return value


def _latest(body: Mapping[str, Any], field: str) -> str | list[Any] | None:
    """Return the content of the latest message of the user."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise UsageError("messages are a list of objects")
    content = next((message.get(field) for message in reversed(messages) if message.get("role") == "user"), None)
    if not isinstance(content, str | list | None):
        raise UsageError(f"{field} of a message is text, or a list of parts")
    return content
