"""Recorded contents and tools of Gemini, read back into our own messages (see `shared.requests.recorded_request`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
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
from harness.providers.shared.requests.recorded_request import check_same, picked, text_or_parts, tool_call
from harness.providers.shared.requests.wire_body import present

_ROLES: Final = {"user": "user", "model": "assistant"}
#: The fields that take a tool's schema; both spellings of the second are the wire's.
_SCHEMA_FIELDS: Final = (OWN_SCHEMA, JSON_SCHEMA, "parameters_json_schema")


def parse_system(wire: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{"type": "text", "text": str(part.get("text"))} for part in wire.get("parts") or ()]
    ours = {"role": "system", "content": text_or_parts(parts)}
    check_same(wire_system(read_messages([ours])), wire)
    return ours


def parse_contents(wire: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    calls = _Calls()
    after_results = False
    for content in wire:
        numbered = [(part, calls.id_of(part)) for part in content["parts"]]
        ordinary = _as_written(_ROLES[content["role"]], numbered)
        # Results that stand in two contents in a row would become one.
        are_results = ordinary[0]["role"] == "tool"
        if (are_results and after_results) or not calls.make(ordinary, content):
            ordinary = [{"role": _ROLES[content["role"]], "content": [_part(*part) for part in numbered]}]
            are_results = False
            if not calls.make(ordinary, content):
                raise ValueError(f"{content!r:.200} can't be rebuilt")
        yield from ordinary
        after_results = are_results
        calls.names |= names_of_calls(read_messages(ordinary))


class _Calls:
    """The calls of a conversation as far as it has been read. Those that have no id get one of ours."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        #: Calls of our own numbering that no result has answered.
        self._open: list[tuple[str, str]] = []
        self._count = 0

    def id_of(self, part: Mapping[str, Any]) -> str:
        """Return the id of the call that a part makes or answers."""
        call, response = part.get("functionCall"), part.get("functionResponse")
        if call is not None and "id" not in call:
            call_id = own_id("", self._count)
            self._count += 1
            self._open.append((call_id, call.get("name")))
            return call_id
        if response is not None and "id" not in response:
            found = next((pending for pending in self._open if pending[1] == response.get("name")), None)
            if found is None:
                raise ValueError(f"the result of {response.get('name')!r} answers no call")
            self._open.remove(found)
            return found[0]
        return str((call or response or {}).get("id", ""))

    def make(self, ours: list[dict[str, Any]], content: Mapping[str, Any]) -> bool:
        """Whether our messages make this content again."""
        try:
            return wire_contents(read_messages(ours), Signatures(), self.names) == [content]
        except UsageError:
            return False


def _as_written(role: str, parts: Sequence[tuple[Mapping[str, Any], str]]) -> list[dict[str, Any]]:
    """Return the messages that every caller would write, whatever they leave out."""
    if all("functionResponse" in part for part, _ in parts):
        return [_tool_message(part["functionResponse"], call_id) for part, call_id in parts]
    called = [(part["functionCall"], call_id) for part, call_id in parts if "functionCall" in part]
    calls = [tool_call(call_id, call.get("name"), call.get("args")) for call, call_id in called]
    content = text_or_parts([_part(part, call_id) for part, call_id in parts if "functionCall" not in part])
    message: dict[str, Any] = {"role": role, "content": content or (None if calls else content)}
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
