"""Recorded contents and tools of Gemini, read back into our own messages (see `shared.requests.recorded_request`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, Final

from harness.llm.input.hosted import hosted_tools, in_order
from harness.llm.input.reader import read_messages, read_tools
from harness.providers.gemini.media import parse_media
from harness.providers.gemini.messages import (
    JSON_SCHEMA,
    OWN_SCHEMA,
    Signatures,
    is_own_schema,
    names_of_calls,
    own_id,
    wire_contents,
    wire_system,
    wire_tools,
)
from harness.providers.shared.requests.recorded_request import (
    check_same,
    checked,
    picked,
    rebuilt,
    text_or_parts,
    tool_call,
)
from harness.providers.shared.requests.wire_body import present

_ROLES: Final = {"user": "user", "model": "assistant"}
#: The fields that take a tool's schema; both spellings of the second are the wire's.
_SCHEMA_FIELDS: Final = (OWN_SCHEMA, JSON_SCHEMA, "parameters_json_schema")


def parse_system(wire: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{"type": "text", "text": str(part.get("text"))} for part in wire.get("parts") or ()]
    return checked([{"role": "system", "content": text_or_parts(parts)}], wire_system, wire)[0]


def parse_contents(wire: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    names: dict[str, str] = {}
    readings = [partial(read, _ids(wire)) for read in (_as_written, _by_parts)]
    for message in rebuilt(wire, readings, lambda ours: wire_contents(ours, Signatures(), names)):
        yield message
        names.update(names_of_calls(read_messages([message])))


def _ids(wire: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return the id of the call that each part makes or answers, by the part's identity; those without get one of ours."""
    ids: dict[int, str] = {}
    #: Calls of our own numbering that no result has answered.
    pending: list[tuple[str, str]] = []
    numbers = count()
    for part in (part for content in wire for part in content["parts"]):
        call, response = part.get("functionCall"), part.get("functionResponse")
        if call is not None and "id" not in call:
            pending.append((own_id("", next(numbers)), call.get("name")))
            ids[id(part)] = pending[-1][0]
        elif response is not None and "id" not in response:
            found = next((open_call for open_call in pending if open_call[1] == response.get("name")), None)
            if found is None:
                raise ValueError(f"the result of {response.get('name')!r} answers no call")
            pending.remove(found)
            ids[id(part)] = found[0]
        else:
            ids[id(part)] = str((call or response or {}).get("id", ""))
    return ids


def _by_parts(ids: Mapping[int, str], content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"role": _ROLES[content["role"]], "content": [_part(part, ids[id(part)]) for part in content["parts"]]}]


def _as_written(ids: Mapping[int, str], content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages that every caller would write, whatever they leave out."""
    parts = content["parts"]
    if all("functionResponse" in part for part in parts):
        return [_tool_message(part["functionResponse"], ids[id(part)]) for part in parts]
    called = [(part["functionCall"], ids[id(part)]) for part in parts if "functionCall" in part]
    calls = [tool_call(call_id, call.get("name"), call.get("args")) for call, call_id in called]
    text = text_or_parts([_part(part, ids[id(part)]) for part in parts if "functionCall" not in part])
    message: dict[str, Any] = {"role": _ROLES[content["role"]], "content": text or (None if calls else text)}
    return [{**message, "tool_calls": calls} if calls else message]


def _tool_message(sent: Mapping[str, Any], call_id: str) -> dict[str, Any]:
    response = sent.get("response")
    result = response.get("result") if isinstance(response, Mapping) else None
    return {"role": "tool", "tool_call_id": call_id, "content": result if isinstance(result, str) else None}


def _part(part: Mapping[str, Any], call_id: str) -> dict[str, Any]:
    signature = picked(part, thoughtSignature="signature")
    if "functionCall" in part:
        call = part["functionCall"]
        return {"type": "tool_use", "id": call_id, "name": call.get("name"), "input": call.get("args"), **signature}
    if "functionResponse" in part:
        value = part["functionResponse"].get("response")
        return {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "json", "value": value}]}
    media = parse_media(part)
    if media is not None:
        return media
    if "text" not in part:
        raise ValueError(f"there is no word for a part with {', '.join(part)}")
    if part.get("thought"):
        return {"type": "thinking", "thinking": part["text"], **signature}
    return {"type": "text", "text": part["text"], **signature}


def parse_tools(wire: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Return our tools, and the field that their JSON Schemas stood in."""
    tools: list[dict[str, Any]] = []
    fields = {JSON_SCHEMA}
    for entry in wire:
        for kind, settings in entry.items():
            if kind != "functionDeclarations":
                tools.append({**settings, "type": kind} if isinstance(settings, Mapping) else {"type": kind})
                continue
            for declaration in settings:
                tools.append(_function(declaration))
                fields |= {name for name in _SCHEMA_FIELDS if name in declaration and not _is_own(declaration)}
    field = next((name for name in fields if name != JSON_SCHEMA), JSON_SCHEMA)
    check_same(wire_tools(in_order(read_tools(tools), hosted_tools(tools)), field), list(wire))
    return tools, field


def _function(declaration: Mapping[str, Any]) -> dict[str, Any]:
    schema = next((declaration[name] for name in _SCHEMA_FIELDS if name in declaration), None)
    function = picked(declaration, name="name", description="description")
    return {"type": "function", "function": {**function, **present(parameters=schema)}}


def _is_own(declaration: Mapping[str, Any]) -> bool:
    return OWN_SCHEMA in declaration and is_own_schema(declaration[OWN_SCHEMA])
