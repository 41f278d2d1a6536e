"""Messages of Ollama's own chat API: ours to the wire, and those of a recorded request to ours.

Source: https://docs.ollama.com/api/chat and https://docs.ollama.com/capabilities/tool-calling (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.messages import ImagePart, Message, RefusalPart, TextPart
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests.wire_body import sent_arguments

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
    sent: dict[str, Any] = {"role": _ROLES.get(message.role, message.role), "content": "".join(texts)}
    if images:
        sent["images"] = images
    if thought := message.reasoning or message.reasoning_content:
        sent["thinking"] = thought
    if message.tool_calls:
        sent["tool_calls"] = [
            {"id": call.id, "function": {"name": call.function.name, "arguments": sent_arguments(call, "ollama")}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        sent["tool_call_id"] = message.tool_call_id
    if sent["role"] == "tool" and (name := message.name or names.get(message.tool_call_id or "")):
        sent["tool_name"] = name
    return sent


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
                kind = getattr(part, "type", None) or type(part).__name__
                raise UsageError(f"ollama: a message takes text and images, and no part of the type {kind!r}")
    return texts, images


def _image(url: str) -> str:
    inline = DataURL.read(url)
    if inline is None:
        raise UsageError(f"ollama: an image is sent as a data URL; {url[:80]!r} would have to be fetched")
    return inline.base64


def common_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of a recorded request in the common form, as far as that has a place for what it says."""
    found = {name: message[name] for name in ("role", "content", "tool_call_id") if name in message}
    if "thinking" in message:
        found["reasoning"] = message["thinking"]
    if "tool_name" in message:
        found["name"] = message["tool_name"]
    if "tool_calls" in message:
        found["tool_calls"] = message["tool_calls"]
    return found
