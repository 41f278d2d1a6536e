"""Recorded contents and tools of Gemini, read back into our own messages.

An ordinary conversation comes back as its caller would have written it. What a recorded one has besides (signatures,
results in contents of their own) is read into parts that say exactly what stood where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.hosted import hosted_tools, in_order
from harness.llm.input.messages import read_messages, read_tools
from harness.providers.gemini.calls import Signatures, own_id
from harness.providers.gemini.media import parse_media
from harness.providers.gemini.messages import (
    JSON_SCHEMA,
    OWN_SCHEMA,
    is_own_schema,
    names_of_calls,
    wire_contents,
    wire_system,
    wire_tools,
)

_ROLES: Final = {"user": "user", "model": "assistant"}
#: The fields that take a tool's schema; both spellings of the second are the wire's.
_SCHEMA_FIELDS: Final = (OWN_SCHEMA, JSON_SCHEMA, "parameters_json_schema")


def parse_system(wire: Mapping[str, Any]) -> dict[str, Any]:
    """Return the system message of a recorded system instruction. Raises UsageError where it can't be rebuilt."""
    texts = [str(part.get("text")) for part in wire.get("parts") or ()]
    content = texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts]
    ours = {"role": "system", "content": content}
    if not texts or wire_system(read_messages([ours])) != wire:
        raise UsageError("systemInstruction of the recorded request can't be rebuilt")
    return ours


def parse_contents(wire: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield our messages of a recorded conversation; `wire_contents` makes exactly that one of them again.

    Raises:
        UsageError: a content can't be rebuilt; its place is named.
    """
    calls = _Calls()
    after_results = False
    for place, content in enumerate(wire):
        if content.get("role") not in _ROLES:
            raise UsageError(f"contents[{place}].role of the recorded request can't be rebuilt")
        try:
            numbered = calls.numbered(content)
            ordinary = _as_written(numbered)
            # Results that stand in two contents in a row would become one.
            are_results = ordinary[0]["role"] == "tool"
            if (are_results and after_results) or not calls.make(ordinary, content):
                ordinary, are_results = [_as_parts(numbered)], False
                if not calls.make(ordinary, content):
                    raise UsageError("a field of it has no word in our messages")
        except UsageError as error:
            raise UsageError(f"contents[{place}] of the recorded request can't be rebuilt: {error}") from error
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

    def numbered(self, content: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], str]]:
        """Return the parts of a content: role, part, and the id of the call that it makes or answers."""
        return [(content["role"], part, self._id(part)) for part in content.get("parts") or ()]

    def _id(self, part: Mapping[str, Any]) -> str:
        call, response = part.get("functionCall"), part.get("functionResponse")
        if call is not None and "id" not in call:
            call_id = own_id("", self._count)
            self._count += 1
            self._open.append((call_id, call.get("name")))
            return call_id
        if response is not None and "id" not in response:
            found = next((pending for pending in self._open if pending[1] == response.get("name")), None)
            if found is None:
                raise UsageError(f"the result of {response.get('name')!r} answers no call")
            self._open.remove(found)
            return found[0]
        return str((call or response or {}).get("id", ""))

    def make(self, ours: list[dict[str, Any]], content: Mapping[str, Any]) -> bool:
        """Whether our messages make this content again."""
        try:
            return wire_contents(read_messages(ours), Signatures(), self.names) == [content]
        except UsageError:
            return False


def _as_written(parts: Sequence[tuple[str, Mapping[str, Any], str]]) -> list[dict[str, Any]]:
    """Return the messages that every caller would write, whatever they leave out."""
    if not parts:
        raise UsageError("it has no parts")
    if all("functionResponse" in part for _, part, _ in parts):
        return [_tool_message(part["functionResponse"], call_id) for _, part, call_id in parts]
    calls = [
        {
            "id": call_id,
            "type": "function",
            "function": {
                "name": part["functionCall"].get("name"),
                "arguments": json.dumps(part["functionCall"].get("args"), ensure_ascii=False),
            },
        }
        for _, part, call_id in parts
        if "functionCall" in part
    ]
    rest = [(part, call_id) for _, part, call_id in parts if "functionCall" not in part]
    only_text = len(rest) == 1 and rest[0][0].keys() == {"text"}
    content = rest[0][0]["text"] if only_text else [_part(part, call_id) for part, call_id in rest]
    message: dict[str, Any] = {"role": _ROLES[parts[0][0]], "content": content or (None if calls else content)}
    return [{**message, "tool_calls": calls} if calls else message]


def _tool_message(sent: Mapping[str, Any], call_id: str) -> dict[str, Any]:
    response = sent.get("response")
    result = response.get("result") if isinstance(response, Mapping) else None
    return {"role": "tool", "tool_call_id": call_id, "content": result if isinstance(result, str) else None}


def _as_parts(parts: Sequence[tuple[str, Mapping[str, Any], str]]) -> dict[str, Any]:
    """Return the message that says each part where it stood."""
    return {"role": _ROLES[parts[0][0]], "content": [_part(part, call_id) for _, part, call_id in parts]}


def _part(part: Mapping[str, Any], call_id: str) -> dict[str, Any]:
    signature = {"signature": part["thoughtSignature"]} if "thoughtSignature" in part else {}
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
        raise UsageError(f"there is no word for a part with {', '.join(part)}")
    if part.get("thought"):
        return {"type": "thinking", "thinking": part["text"], **signature}
    return {"type": "text", "text": part["text"], **signature}


def parse_tools(wire: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Return our form of recorded tools, and the field that their JSON Schemas stood in.

    Raises:
        UsageError: a tool can't be rebuilt.
    """
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
    hosted = hosted_tools(tools)
    if wire_tools(in_order(read_tools(tools), hosted), field) != list(wire):
        raise UsageError("tools of the recorded request can't be rebuilt")
    return tools, field


def _function(declaration: Mapping[str, Any]) -> dict[str, Any]:
    schema = next((declaration[name] for name in _SCHEMA_FIELDS if name in declaration), None)
    function = {name: declaration[name] for name in ("name", "description") if name in declaration}
    return {"type": "function", "function": function if schema is None else {**function, "parameters": schema}}


def _is_own(declaration: Mapping[str, Any]) -> bool:
    return OWN_SCHEMA in declaration and is_own_schema(declaration[OWN_SCHEMA])
