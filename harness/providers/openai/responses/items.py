"""Conversations as OpenAI's Responses API has them: messages to input items, and recorded items back to messages.

A message becomes as many items as it takes: its reasoning, its text, each tool call. A recorded item becomes one
message, so that the same items come of it again.

Source: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from harness.errors import UsageError
from harness.llm.input import blocks, messages as common
from harness.llm.input.hosted import HostedItem
from harness.llm.input.items import ReasoningItem
from harness.llm.input.messages import AnyToolCall, ContentPart, Message
from harness.llm.input.own_block import OwnBlock
from harness.providers.openai.request import CACHE_MARK
from harness.providers.shared.requests.recorded_request import picked
from harness.providers.shared.requests.wire_body import present

_HOSTED: Final = frozenset(get_args(HostedItem.model_fields["type"].annotation))
#: Items that this project has no word for, beside calls and what those gave.
_ITEMS: Final = frozenset(
    {
        "additional_tools",
        "compaction_trigger",
        "configuration_update",
        "program",
        "program_output",
        "tool_search_output",
    }
)
#: The types of the parts of an item's content.
_OWN_PARTS: Final = frozenset(
    {"input_text", "input_image", "input_file", "output_text", "summary_text", "reasoning_text"}
)


def wire_items(message: Message, custom: Container[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield the items of one message; `custom` are the ids of calls that are given text. Raises UsageError."""
    if message.role == "tool":
        yield _output(message, custom)
        return
    if message.role == "function":
        raise UsageError("a message of role 'function' belongs to no tool call; use role 'tool' with a tool_call_id")
    calls = [_tool_call(call, custom) for call in message.tool_calls or ()]
    if isinstance(message.content, list):
        yield from _of_parts(message, message.content)
    elif message.content or not (calls or message.refusal):
        yield _message(message, message.content or "")
    if message.refusal:
        yield _message(message, [{"type": "refusal", "refusal": message.refusal}])
    for call in calls:
        yield {**call, **(_facts(message) if len(calls) == 1 and message.content is None else {})}


def _of_parts(message: Message, parts: Sequence[ContentPart]) -> Iterator[dict[str, Any]]:
    """Return what parts make: items of their own, and messages of those between them."""
    content: list[dict[str, Any]] = []
    for part in parts:
        item = _own_item(part)
        if item is None:
            content += _parts(message.role, [part])
            continue
        if content:
            yield _message(message, content)
            content = []
        yield item
    if content or not parts:
        yield _message(message, content)


def _own_item(part: ContentPart) -> dict[str, Any] | None:
    match part:
        case ReasoningItem() | HostedItem():
            return part.given()
        case blocks.ToolUsePart():
            return _call(part.id, part.name, json.dumps(part.given()["input"], ensure_ascii=False))
        case blocks.ToolResultPart(content=str() | None as text):
            return {"type": "function_call_output", "call_id": part.tool_use_id, "output": text or ""}
        case OwnBlock(type=str() as kind) if kind in _OWN_PARTS:
            return None
        case OwnBlock(type=str() as kind) if kind in _ITEMS or kind.endswith(("_call", "_call_output")):
            return part.given()
        case OwnBlock():
            raise UsageError(f"OpenAI's Responses API takes no block of the kind {part.kind!r}")
        case _:
            return None


def _message(message: Message, content: str | list[dict[str, Any]]) -> dict[str, Any]:
    return {**_facts(message), "role": message.role, "content": content}


def _tool_call(call: AnyToolCall, custom: Container[str]) -> dict[str, Any]:
    if call.type == "custom":
        return _call(call.id, call.custom.name, call.custom.input, is_custom=True)
    return _call(call.id, call.function.name, call.function.arguments, is_custom=call.id in custom)


def _call(call_id: str, name: str, text: str, *, is_custom: bool = False) -> dict[str, Any]:
    kind, field = ("custom_tool_call", "input") if is_custom else ("function_call", "arguments")
    return {"type": kind, "call_id": call_id, "name": name, field: text}


def _output(message: Message, custom: Container[str]) -> dict[str, Any]:
    call_id, content = message.tool_call_id, message.content
    if call_id is None:
        raise UsageError("a tool's result needs the tool_call_id of the call that it answers")
    output = list(_parts("tool", content)) if isinstance(content, list) else content or ""
    kind = "custom_tool_call_output" if call_id in custom else "function_call_output"
    return {"type": kind, **_facts(message), "call_id": call_id, "output": output}


def _facts(message: Message) -> dict[str, Any]:
    return {} if message.item is None else message.item.model_dump(exclude_unset=True, exclude={"bare"})


def _parts(role: str, parts: Iterable[ContentPart]) -> Iterator[dict[str, Any]]:
    for part in parts:
        match part:
            case common.TextPart():
                yield {**_text(role, part), **_mark(part)}
            case common.RefusalPart() | common.AudioPart() | OwnBlock():
                yield part.given()
            case common.ImagePart():
                url = part.image_url
                yield {"type": "input_image", "image_url": url.url, **present(detail=url.detail), **_mark(part)}
            case blocks.SourcedImagePart():
                source = part.source
                place = present(file_id=source.file_id) or {"image_url": source.url or _data_url(source)}
                yield {"type": "input_image", **place, **present(detail=part.detail)}
            case common.FilePart():
                yield {"type": "input_file", **part.file.given(), **_mark(part)}
            case blocks.DocumentPart():
                yield _document(part)
            case blocks.ThinkingPart() | blocks.RedactedThinkingPart() | blocks.CachePointPart():
                pass  # another provider's: it says nothing to this one
            case (
                common.QuotedMessage() | blocks.ToolUsePart() | blocks.ToolResultPart() | ReasoningItem() | HostedItem()
            ):
                kind = getattr(part, "type", "message")
                raise UsageError(f"a {kind} part can't stand in a {role} message for the Responses API")


def _text(role: str, part: common.TextPart) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": kind, "text": part.text, **present(annotations=part.citations, logprobs=part.logprobs)}


def _mark(part: common.TextPart | common.ImagePart | common.FilePart) -> dict[str, Any]:
    return {CACHE_MARK: mark} if (mark := part.added.get(CACHE_MARK)) is not None else {}


def _document(part: blocks.DocumentPart) -> dict[str, Any]:
    source, title = part.source, present(filename=part.title)
    if source.type == "text":
        return {"type": "input_text", "text": source.data or ""}
    if source.type == "content":
        raise UsageError("a document made of content blocks has no form in the Responses API; send text or a file")
    if source.file_id is not None:
        return {"type": "input_file", "file_id": source.file_id, **title}
    if source.url is not None:
        return {"type": "input_file", "file_url": source.url, **title}
    return {"type": "input_file", "filename": "document", **title, "file_data": _data_url(source)}


def _data_url(source: blocks.MediaSource) -> str:
    return f"data:{source.media_type or 'application/octet-stream'};base64,{source.data or ''}"


def parse_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that makes a recorded item again, if one does. Raises ValueError for an item of an unknown type."""
    match item.get("type", "message"):
        case "message":
            content = _parse_content(item.get("content"))
            return {"role": item.get("role"), "content": content, **_parse_facts(item, "type")}
        case "function_call":
            function = {"name": item.get("name"), "arguments": item.get("arguments")}
            return _parse_call(item, {"type": "function", "function": function})
        case "custom_tool_call":
            custom = {"name": item.get("name"), "input": item.get("input")}
            return _parse_call(item, {"type": "custom", "custom": custom})
        case "function_call_output" | "custom_tool_call_output" as kind:
            # A function's result is told by nothing else.
            facts = _parse_facts(item, *(["type"] if kind == "custom_tool_call_output" else []))
            content = _parse_content(item.get("output"))
            return {"role": "tool", "tool_call_id": item.get("call_id"), "content": content, **facts}
        case kind if kind == "reasoning" or kind in _HOSTED:
            return {"role": "assistant", "content": [item]}
        case kind:
            raise ValueError(f"an item of type {kind!r} can't be rebuilt")


def _parse_call(item: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"id": item.get("call_id"), **call}], **_parse_facts(item)}


def _parse_facts(item: Mapping[str, Any], *more: str) -> dict[str, Any]:
    facts = {name: item[name] for name in ("id", "status", "phase", *more) if name in item}
    return {"item": facts} if facts else {}


def _parse_content(content: Any) -> Any:
    return [_parse_part(part) for part in content] if isinstance(content, list) else content


def _parse_part(part: Mapping[str, Any]) -> dict[str, Any]:
    match dict(part):
        case {"type": "input_text" | "output_text", "text": text}:
            return {"type": "text", "text": text, **picked(part, annotations="citations", logprobs="logprobs")}
        case {"type": "input_image", "image_url": str()}:
            return {"type": "image_url", "image_url": picked(part, image_url="url", detail="detail")}
        case {"type": "input_image", "file_id": file_id}:
            return {"type": "image", "source": {"type": "file", "file_id": file_id}, **picked(part, detail="detail")}
        case {"type": "input_file", "file_url": url}:
            return {"type": "document", "source": {"type": "url", "url": url}, **picked(part, filename="title")}
        case {"type": "input_file", **fields}:
            return {"type": "file", "file": fields}
        case {"type": "refusal" | "input_audio"}:
            return dict(part)
        case _:
            raise ValueError(f"{part!r:.200} can't be rebuilt")
