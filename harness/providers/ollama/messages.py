"""Messages of Ollama's own chat API: ours to the wire, and those of a recorded request to ours.

Source: https://docs.ollama.com/api/chat and https://docs.ollama.com/capabilities/tool-calling (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.messages import AnyToolCall, ImagePart, Message, RefusalPart, TextPart
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests.recorded_request import picked
from harness.providers.shared.requests.turns import of_no_type
from harness.providers.shared.requests.wire_body import filled, present, same_names, sent_arguments

_ROLES: Final = {"developer": "system", "function": "tool"}


def wire_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages in Ollama's form. Raises UsageError for a part that it has none for."""
    names: dict[str, str] = {}
    sent = []
    for message in messages:
        # Ids may come again in a later turn: a result is of the last call before it.
        names |= {call.id: call.function.name for call in message.tool_calls or ()}
        sent.append(_wire_message(message, names))
    return sent


def _wire_message(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    texts, images = _content(message)
    role = _ROLES.get(message.role, message.role)
    called = (message.name or names.get(message.tool_call_id or "")) if role == "tool" else None
    return {
        "role": role,
        "content": "".join(texts),
        **filled(images=images, thinking=message.reasoning or message.reasoning_content),
        **filled(tool_calls=list(map(_call, message.tool_calls or ()))),
        **present(tool_call_id=message.tool_call_id),
        **filled(tool_name=called),
    }


def _call(call: AnyToolCall) -> dict[str, Any]:
    function = {"name": call.function.name, "arguments": sent_arguments(call, "ollama")}
    return {"id": call.id, "function": function}


def _content(message: Message) -> tuple[list[str], list[str]]:
    """Return the texts and the images of a message, the latter in base64."""
    texts, images = [], []
    content = message.content if message.content is not None else message.refusal
    for part in content if isinstance(content, list) else [TextPart(type="text", text=content or "")]:
        match part:
            case TextPart():
                texts.append(part.text)
            case RefusalPart():
                texts.append(part.refusal)
            case ImagePart():
                images.append(_image(part.image_url.url))
            case _:
                raise of_no_type(part, "ollama", "text and images")
    return texts, images


def _image(url: str) -> str:
    inline = DataURL.read(url)
    if inline is None:
        raise UsageError(f"ollama: an image is sent as a data URL; {url[:80]!r} would have to be fetched")
    return inline.base64


def common_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of a recorded request in the common form, as far as that has a place for what it says."""
    same = same_names("role", "content", "tool_call_id")
    return picked(message, **same, thinking="reasoning", tool_name="name", tool_calls="tool_calls")
