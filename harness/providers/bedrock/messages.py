"""Bedrock Converse's form of messages and tools, as boto3 takes it: files are bytes, where the wire has base64.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from harness.llm.input import blocks, messages as common
from harness.llm.input.messages import ContentPart, Message, ToolDefinition
from harness.llm.input.own_block import OwnBlock
from harness.providers.bedrock import media
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests import turns
from harness.providers.shared.requests.wire_body import present, sent_arguments

_ROLES: Final = {"user": "user", "assistant": "assistant", "tool": "user"}
_STATUS: Final = {True: "error", False: "success"}
#: What stands in a message, or in the result of a tool.
_Part = ContentPart | blocks.BlockText | blocks.JSONPart | OwnBlock


def sdk_system(messages: Sequence[Message]) -> list[dict[str, Any]]:
    system = (message for message in messages if message.role in turns.SYSTEM_ROLES)
    return [block for message in system for block in (*_blocks(message), *_mark(message))]


def sdk_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the conversation. What one side says in a row is one message: sides must alternate. Raises UsageError."""
    spoken = (_sdk_message(message) for message in messages if message.role not in turns.SYSTEM_ROLES)
    return turns.joined(((message["role"], message) for message in spoken), "content")


def _sdk_message(message: Message) -> dict[str, Any]:
    role = turns.wire_role(message, _ROLES, "bedrock")
    uses = [
        {"toolUse": {"toolUseId": call.id, "name": call.function.name, "input": sent_arguments(call, "bedrock")}}
        for call in message.tool_calls or ()
    ]
    return {"role": role, "content": [*_blocks(message), *uses, *_mark(message)]}


def _blocks(message: Message) -> list[dict[str, Any]]:
    content = message.content
    if message.role == "tool":
        call_id, (result, marks) = turns.answered_id(message), _result_content(content)
        return [{"toolResult": {"toolUseId": call_id, "content": result}}, *marks]
    if content is None:
        content = message.refusal
    if isinstance(content, str):
        # The API refuses blocks of no text, and OpenAI-like assistants often say "" beside their tool calls.
        return [{"text": content}] if content or not message.tool_calls else []
    return [*_sdk_blocks(turns.without_blanks(content or (), message.tool_calls))]


def _sdk_blocks(parts: Iterable[_Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        yield sdk_block(part)
        if isinstance(part, blocks.ToolResultPart) and part.cache_control is None:
            yield from _result_content(part.content)[1]
        yield from _mark(part)


def _result_content(content: str | Sequence[_Part] | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the content of a result, and what stands behind the result where a part of it is marked to be cached."""
    if isinstance(content, str):
        return [{"text": content}], []
    marks = [mark for part in content or () for mark in _mark(part)]
    return [sdk_block(part) for part in turns.without_blanks(content or ())], marks[-1:]


def sdk_block(part: _Part) -> dict[str, Any]:
    """Return the block of one part. Raises UsageError for what Bedrock does not take."""
    match part:
        case common.TextPart() | blocks.BlockText():
            return {"text": part.text}
        case common.RefusalPart():
            return {"text": part.refusal}
        case _ if isinstance(part, media.MediaPart):
            return media.sdk_media(part)
        case blocks.ThinkingPart():
            return {"reasoningContent": {"reasoningText": {"text": part.text, **present(signature=part.signature)}}}
        case blocks.RedactedThinkingPart():
            return {"reasoningContent": {"redactedContent": DataURL("", part.data).content()}}
        case blocks.CachePointPart():
            return _cache_point(part.ttl)
        case blocks.ToolUsePart():
            return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": part.given()["input"]}}
        case blocks.ToolResultPart():
            return _tool_result(part)
        case blocks.JSONPart():
            return {"json": part.given()["value"]}
        # Another provider's has a type, and no place here. As boto3 takes it, files in it are bytes.
        case OwnBlock(type=None):
            return part.model_dump(exclude_unset=True)
        case _:
            raise turns.unsendable(part, "bedrock")


def _tool_result(part: blocks.ToolResultPart) -> dict[str, Any]:
    result, _ = _result_content(part.content)
    status = {} if part.is_error is None else {"status": _STATUS[part.is_error]}
    return {"toolResult": {"toolUseId": part.tool_use_id, "content": result, **status}}


def _mark(part: Any) -> Iterator[dict[str, Any]]:
    """Yield what stands behind something that the prompt is to be cached with."""
    mark = getattr(part, "cache_control", None)
    # A block of another provider's has what it says there.
    if isinstance(mark, blocks.CacheControl):
        yield _cache_point(mark.ttl)


def _cache_point(ttl: str | None) -> dict[str, Any]:
    return {"cachePoint": {"type": "default"} if ttl is None else {"type": "default", "ttl": ttl}}


def sdk_tools(tools: Sequence[ToolDefinition]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    for tool in tools:
        without = {"parameters", *tool.function.added}
        # It refuses nulls, and a description of no text.
        given = present(**tool.function.given()).items()
        function = {name: value for name, value in given if name not in without and value != ""}
        sent += ({"toolSpec": {**function, "inputSchema": {"json": turns.schema_of(tool.function)}}}, *_mark(tool))
    return sent
