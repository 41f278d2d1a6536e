"""Recorded messages and tools of Bedrock Converse, read back into our own (see `shared.requests.recorded_request`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from harness.errors import UsageError
from harness.llm.input.own_block import json_value
from harness.providers.bedrock.media import DOCUMENTS, IMAGES, media_source
from harness.providers.bedrock.messages import sdk_messages, sdk_system
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests.recorded_request import checked, picked, rebuilt, text_or_parts, tool_call


def parse_system(system: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    content = text_or_parts([*map(_part, system)])
    return checked([{"role": "system", "content": content}], lambda ours: json_value(sdk_system(ours)), list(system))[0]


def parse_messages(wire: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for before, message in pairwise(wire):
        if before.get("role") == message.get("role"):
            raise ValueError(f"{message!r:.200} has the role of the one before it")
    yield from rebuilt(wire, (_ordinary, _by_parts), lambda ours: json_value(sdk_messages(ours)))


def _by_parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"role": message["role"], "content": [_part(block) for block in message["content"]]}]


def _ordinary(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that a caller would write for this one: tool results first, then what else was said."""
    role, content = message["role"], message["content"]
    if role == "assistant":
        uses = [block["toolUse"] for block in content if "toolUse" in block]
        calls = [tool_call(use["toolUseId"], use["name"], use.get("input")) for use in uses]
        rest = [_part(block) for block in content if "toolUse" not in block]
        ours = {"role": role, "content": text_or_parts(rest) if rest or not calls else None}
        return [{**ours, "tool_calls": calls} if calls else ours]
    results = [_result(block["toolResult"]) for block in content if "toolResult" in block]
    rest = [_part(block) for block in content if "toolResult" not in block]
    return [*results, {"role": role, "content": text_or_parts(rest)}] if rest or not results else results


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool message; a result that it can't say makes another content."""
    parts = [_part(block) for block in result["content"]]
    if any(part["type"] == "json" for part in parts):
        parts = []
    return {"role": "tool", "tool_call_id": result["toolUseId"], "content": text_or_parts(parts)}


def _part(block: Mapping[str, Any], *, plain: bool = True) -> dict[str, Any]:
    """Return the part that says a block; a file as every caller would write it, or by its source where not `plain`."""
    match dict(block):
        case {"text": text}:
            return {"type": "text", "text": text}
        case {"image": image}:
            return _image(image, plain=plain)
        case {"document": document}:
            return _document(document, plain=plain)
        case {"reasoningContent": {"reasoningText": thought}}:
            return {"type": "thinking", "thinking": thought["text"], **picked(thought, signature="signature")}
        case {"reasoningContent": {"redactedContent": data}}:
            return {"type": "redacted_thinking", "data": data}
        case {"cachePoint": mark}:
            return {"type": "cache_point", **picked(mark, ttl="ttl")}
        case {"toolUse": use}:
            return {"type": "tool_use", "id": use["toolUseId"], "name": use["name"], "input": use["input"]}
        case {"toolResult": result}:
            failed = {"is_error": result["status"] == "error"} if "status" in result else {}
            parts = [_part(inner, plain=False) for inner in result["content"]]
            return {"type": "tool_result", "tool_use_id": result["toolUseId"], "content": parts, **failed}
        case {"json": value}:
            return {"type": "json", "value": value}
        case _:
            raise UsageError(f"a block of the kind {', '.join(block)} has no form of ours")


def _image(image: Mapping[str, Any], *, plain: bool) -> dict[str, Any]:
    source, kind = image["source"], IMAGES.get(image["format"], image["format"])
    if plain and "bytes" in source:
        return {"type": "image_url", "image_url": {"url": str(DataURL(kind, source["bytes"]))}}
    return {"type": "image", "source": media_source(source, kind)}


def _document(document: Mapping[str, Any], *, plain: bool) -> dict[str, Any]:
    kind = DOCUMENTS.get(document["format"]) if "format" in document else None
    source = document["source"]
    if plain and document.keys() == {"format", "name", "source"} and "bytes" in source and "." not in document["name"]:
        data = str(DataURL(str(kind), source["bytes"]))
        return {"type": "file", "file": {"filename": document["name"], "file_data": data}}
    more = picked(document, name="title", context="context", citations="citations")
    return {"type": "document", "source": media_source(source, kind), **more}


def parse_tools(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    ours: list[dict[str, Any]] = []
    for tool in tools:
        match dict(tool):
            case {"toolSpec": {"inputSchema": {"json": dict(schema), **beside}, **spec}, **more} if not (
                beside or more or spec.keys() - {"name", "description", "strict"} or spec.get("description") == ""
            ):
                ours.append({"type": "function", "function": {**spec, "parameters": schema}})
            case {"cachePoint": {"type": "default", **rest}, **more} if (
                ours and "cache_control" not in ours[-1] and not (more or rest.keys() - {"ttl"})
            ):
                ours[-1]["cache_control"] = {"type": "ephemeral", **rest}
            case _:
                raise ValueError(f"{tool!r:.200} can't be rebuilt")
    return ours
