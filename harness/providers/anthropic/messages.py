"""Anthropic's form of messages and tools.

Source: https://platform.claude.com/docs/en/api/messages (2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input import blocks, messages as common
from harness.llm.input.hosted import HostedItem, HostedTool
from harness.llm.input.messages import AnyToolCall, ContentPart, Message, ToolDefinition
from harness.llm.input.own_block import OwnBlock
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests import turns
from harness.providers.shared.requests.wire_body import present, sent_arguments

_ROLES: Final = {"user": "user", "assistant": "assistant"}


def wire_system(messages: Sequence[Message]) -> str | list[dict[str, Any]] | None:
    """Return the system prompt, which stands outside the messages. Raises UsageError for what can't be sent."""
    system = [message for message in messages if message.role in turns.SYSTEM_ROLES]
    if len(system) == 1 and isinstance(system[0].content, str) and system[0].cache_control is None:
        return system[0].content
    wire = [block for message in system for block in _blocks(message)]
    return wire or None


def wire_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the conversation. Results of parallel tool calls are one message, as the API asks. Raises UsageError."""
    spoken = (message for message in messages if message.role not in turns.SYSTEM_ROLES)
    return turns.joined(((message.role == "tool", _wire_message(message)) for message in spoken), "content")


def _wire_message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "user", "content": [_tool_result(message)]}
    role = turns.wire_role(message, _ROLES, "anthropic")
    if isinstance(message.content, str) and not message.tool_calls and message.cache_control is None:
        return {"role": role, "content": message.content}
    calls = [_tool_use(call) for call in message.tool_calls or ()]
    if calls:
        # The last block carries the mark of the whole.
        calls[-1] |= _cache_mark(message)
    return {"role": role, "content": [*_blocks(message, marked=not calls), *calls]}


def _blocks(message: Message, *, marked: bool = True) -> list[dict[str, Any]]:
    content = message.refusal if message.content is None else message.content
    if isinstance(content, str):
        # The API refuses blocks of no text, and OpenAI-like assistants often say "" beside their tool calls.
        wire = [{"type": "text", "text": content}] if content else []
    else:
        wire = [wire_block(part) for part in turns.without_blanks(content or (), message.tool_calls)]
    if marked and wire and message.cache_control is not None:
        wire[-1] = {**_cache_mark(message), **wire[-1]}
    return wire


def _tool_use(call: AnyToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.function.name, "input": sent_arguments(call, "anthropic")}


def _tool_result(message: Message) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": turns.answered_id(message)}
    if isinstance(message.content, str):
        result["content"] = message.content
    elif message.content is not None:
        result["content"] = _blocks(message, marked=False)
    return {**result, **_cache_mark(message)}


def wire_block(part: ContentPart) -> dict[str, Any]:
    match part:
        case (
            common.TextPart()
            | blocks.RedactedThinkingPart()
            | blocks.DocumentPart()
            | blocks.ToolUsePart()
            | blocks.ToolResultPart()
        ):
            return part.given()
        case blocks.SourcedImagePart():
            return {name: value for name, value in part.given().items() if name != "detail"}
        case blocks.ThinkingPart():
            return {**part.given(), "thinking": part.text}
        # Another provider's has no type, and no place here.
        case OwnBlock() | HostedItem(type="compaction") if part.type is not None:
            return part.given()
        case common.ImagePart():
            return {"type": "image", "source": _source(part.image_url.url), **_cache_mark(part), **part.added}
        case common.FilePart():
            return {**_file(part), **_cache_mark(part), **part.added}
        case common.RefusalPart():
            return {"type": "text", "text": part.refusal}
        case _:
            raise turns.unsendable(part, "anthropic")


def _source(url: str) -> dict[str, Any]:
    inline = DataURL.read(url)
    if inline is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": inline.media_type, "data": inline.base64}


def _file(part: common.FilePart) -> dict[str, Any]:
    inline = DataURL.read(part.file.file_data or "")
    if part.file.file_id is not None:
        source = {"type": "file", "file_id": part.file.file_id}
    elif inline is None:
        raise UsageError("a file part needs a file_id, or file_data as a data URL")
    elif inline.media_type.startswith("image/"):
        return {"type": "image", "source": _source(str(inline))}
    elif inline.media_type.startswith("text/") and (text := inline.text()) is not None:
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        source = _source(str(inline))
    return {"type": "document", "source": source, **present(title=part.file.filename)}


def _cache_mark(part: common.ImagePart | common.FilePart | ToolDefinition | Message) -> dict[str, Any]:
    return {} if part.cache_control is None else {"cache_control": part.cache_control.given()}


def wire_tool(tool: ToolDefinition | HostedTool) -> dict[str, Any]:
    if isinstance(tool, HostedTool):
        return tool.given()
    function = present(**tool.function.given())
    function.pop("parameters", None)
    return {**function, "input_schema": turns.schema_of(tool.function), **_cache_mark(tool), **tool.added}
