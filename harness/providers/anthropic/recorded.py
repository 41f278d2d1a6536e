"""Recorded messages and tools of Anthropic, read back into our own.

An ordinary conversation comes back as its caller would have written it. What a recorded one has besides (results among
text, thinking among tool calls) is read into parts that say exactly what stood where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.errors import UsageError
from harness.llm.input.messages import read_messages
from harness.providers.anthropic.messages import wire_block, wire_messages, wire_system
from harness.providers.shared.data_url import DataURL


def parse_tools(wire: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return our form of recorded tool definitions.

    Raises:
        UsageError: one has a field that we have no word for.
    """
    return [_tool(tool, f"tools[{place}]") for place, tool in enumerate(wire)]


def _tool(wire: Mapping[str, Any], place: str) -> dict[str, Any]:
    if isinstance(wire.get("type"), str) and wire["type"] != "function":
        # The provider's own; `custom`, its name for a caller's, is a type that need not be named.
        return dict(wire)
    definition = {name: value for name, value in wire.items() if name not in {"input_schema", "cache_control"}}
    unknown = definition.keys() - {"name", "description", "strict"}
    if unknown:
        raise UsageError(f"{place}.{min(unknown)}: can't be rebuilt")
    tool: dict[str, Any] = {"type": "function", "function": {**definition, "parameters": wire["input_schema"]}}
    return {**tool, "cache_control": wire["cache_control"]} if "cache_control" in wire else tool


def parse_system(system: str | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the system message of a recorded system prompt. Raises UsageError where it can't be rebuilt."""
    ours = {"role": "system", "content": system if isinstance(system, str) else [dict(block) for block in system]}
    try:
        rebuilt = wire_system(read_messages([ours]))
    except UsageError as error:
        raise UsageError(f"system of the recorded request can't be rebuilt: {error}") from error
    if rebuilt != system:
        raise UsageError("system of the recorded request can't be rebuilt")
    return ours


def parse_messages(wire: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield our messages of a recorded conversation; `wire_messages` makes exactly that one of them again.

    Raises:
        UsageError: a message can't be rebuilt; its place is named.
    """
    after_results = False
    for place, message in enumerate(wire):
        ordinary = _ordinary(message)
        # Results that stand in two messages in a row would become one.
        are_results = ordinary is not None and ordinary[0]["role"] == "tool"
        if ordinary is None or (are_results and after_results):
            yield _exact(message, place)
            after_results = False
        else:
            yield from ordinary
            after_results = are_results


def _ordinary(message: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the messages that every caller would write for this one; None where they would not give it again."""
    try:
        ours = _as_written(message)
        return ours if wire_messages(read_messages(ours)) == [message] else None
    except UsageError:
        return None


def _as_written(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    role, content = message.get("role"), message.get("content")
    if not isinstance(content, list):
        return [{"role": role, "content": content}]
    if role == "assistant":
        return [_answer(content)]
    if content and all(block.get("type") == "tool_result" for block in content):
        return [_result(block) for block in content]
    return [{"role": role, "content": [_part(block) for block in content]}]


def _answer(content: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    calls = [
        {
            "id": block.get("id"),
            "type": "function",
            "function": {"name": block.get("name"), "arguments": json.dumps(block.get("input"), ensure_ascii=False)},
        }
        for block in content
        if block.get("type") == "tool_use"
    ]
    rest = [_part(block) for block in content if block.get("type") != "tool_use"]
    if not calls:
        return {"role": "assistant", "content": rest}
    only_text = len(rest) == 1 and rest[0].keys() == {"type", "text"}
    ours = (rest[0]["text"] if only_text else rest) if rest else None
    return {"role": "assistant", "content": ours, "tool_calls": calls}


def _result(block: Mapping[str, Any]) -> dict[str, Any]:
    content = block.get("content")
    if isinstance(content, list):
        content = [_part(part) for part in content]
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": content}


def _part(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part that every caller would write for a block; the block as it is where there is none."""
    source = block.get("source")
    if not isinstance(source, Mapping):
        return dict(block)
    part: dict[str, Any] = {name: block[name] for name in ("cache_control",) if name in block}
    url = _url_of(source)
    if block.get("type") == "image" and url is not None:
        part |= {"type": "image_url", "image_url": {"url": url}}
    elif block.get("type") == "document" and url is not None and url.startswith("data:"):
        title = {} if block.get("title") is None else {"filename": block["title"]}
        part |= {"type": "file", "file": {**title, "file_data": url}}
    else:
        return dict(block)
    read = read_messages([{"role": "user", "content": [part]}])[0].content
    return part if isinstance(read, list) and wire_block(read[0]) == block else dict(block)


def _url_of(source: Mapping[str, Any]) -> str | None:
    match source.get("type"):
        case "url":
            return str(source.get("url"))
        case "base64":
            return str(DataURL(str(source.get("media_type")), str(source.get("data"))))
        case "text":
            return str(DataURL.of_text(str(source.get("data")), "text/plain"))
        case _:
            return None


def _exact(message: Mapping[str, Any], place: int) -> dict[str, Any]:
    ours = dict(message)
    try:
        rebuilt = wire_messages(read_messages([ours]))
    except UsageError as error:
        raise UsageError(f"messages[{place}] of the recorded request can't be rebuilt: {error}") from error
    if rebuilt != [message]:
        raise UsageError(f"messages[{place}] of the recorded request can't be rebuilt")
    return ours
