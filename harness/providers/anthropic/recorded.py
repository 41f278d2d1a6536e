"""Recorded messages and tools of Anthropic, read back into our own (see `shared.requests.recorded_request`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.llm.input.reader import read_messages
from harness.providers.anthropic.messages import wire_block, wire_messages, wire_system
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests.recorded_request import checked, picked, rebuilt, text_or_parts, tool_call
from harness.providers.shared.requests.wire_body import present


def parse_tools(wire: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_tool(tool) for tool in wire]


def _tool(wire: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(wire.get("type"), str) and wire["type"] != "function":
        # The provider's own; `custom`, its name for a caller's, is a type that need not be named.
        return dict(wire)
    definition = {name: value for name, value in wire.items() if name not in {"input_schema", "cache_control"}}
    if definition.keys() - {"name", "description", "strict"} or None in definition.values():
        raise ValueError(f"{wire!r:.200} has fields of its own, or nulls")
    tool: dict[str, Any] = {"type": "function", "function": {**definition, "parameters": wire["input_schema"]}}
    return {**tool, **picked(wire, cache_control="cache_control")}


def parse_system(system: str | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    content = system if isinstance(system, str) else [dict(block) for block in system]
    return checked([{"role": "system", "content": content}], wire_system, system)[0]


def parse_messages(wire: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    return rebuilt(wire, (_as_written, lambda message: [dict(message)]), wire_messages)


def _as_written(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that every caller would write for this one."""
    role, content = message.get("role"), message.get("content")
    if not isinstance(content, list):
        return [{"role": role, "content": content}]
    if role == "assistant":
        return [_answer(content)]
    if content and all(block.get("type") == "tool_result" for block in content):
        return [_result(block) for block in content]
    return [{"role": role, "content": [_part(block) for block in content]}]


def _answer(content: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    uses = [block for block in content if block.get("type") == "tool_use"]
    calls = [tool_call(block.get("id"), block.get("name"), block.get("input")) for block in uses]
    rest = [_part(block) for block in content if block.get("type") != "tool_use"]
    if not calls:
        return {"role": "assistant", "content": rest}
    return {"role": "assistant", "content": text_or_parts(rest) if rest else None, "tool_calls": calls}


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
    part, url = picked(block, cache_control="cache_control"), _url_of(source)
    if block.get("type") == "image" and url is not None:
        part |= {"type": "image_url", "image_url": {"url": url}}
    elif block.get("type") == "document" and url is not None and url.startswith("data:"):
        part |= {"type": "file", "file": {**present(filename=block.get("title")), "file_data": url}}
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
