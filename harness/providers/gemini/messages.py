"""Gemini's form of messages and tools.

Source: https://ai.google.dev/api/caching#Content (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input import blocks, messages as common
from harness.llm.input.hosted import HostedTool
from harness.llm.input.messages import AnyToolCall, ContentPart, Message, ToolDefinition
from harness.llm.input.own_block import OwnBlock
from harness.providers.gemini.media import MediaPart, wire_media
from harness.providers.shared.reasoning.by_call import KeptByCall, Outline, outlines
from harness.providers.shared.requests import turns
from harness.providers.shared.requests.wire_body import filled, present, sent_arguments

#: What ids begin with that the provider did not give, and so is not sent.
_OWN: Final = "gemini-call-"
#: The signatures of the last calls that one LLM was answered. Newer models refuse a conversation whose calls lack them.
Signatures = KeptByCall[str]
_ROLES: Final = {"user": "user", "assistant": "model"}
#: The names of Gemini's parts, in both of the ways in which its API takes them.
OWN_PARTS: Final = frozenset(
    {"text", "codeExecutionResult", "executableCode", "fileData", "functionCall", "functionResponse", "inlineData"}
    | {"toolCall", "toolResponse", "code_execution_result", "executable_code", "file_data", "function_call"}
    | {"function_response", "inline_data", "tool_call", "tool_response"}
)
#: Where a tool's JSON Schema stands, and where a schema in Gemini's own dialect (types in capitals) does.
JSON_SCHEMA: Final = "parametersJsonSchema"
OWN_SCHEMA: Final = "parameters"


def wire_system(messages: Sequence[Message]) -> dict[str, Any] | None:
    """Return the system instruction, which stands outside the contents. Raises UsageError for what can't be sent."""
    parts = [part for message in messages if message.role in turns.SYSTEM_ROLES for part in _parts(message)]
    return {"parts": parts, "role": "user"} if parts else None


def wire_contents(
    messages: Sequence[Message], signatures: Signatures, called: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the conversation on the wire. The results of parallel tool calls are one content, as the API asks.

    `called` has the names of calls before these messages, by id. Raises UsageError for what can't be sent.
    """
    # An id may come again: an answer is to the last call before it.
    names = {**names_of_calls(messages), **(called or {})}
    return turns.joined(_contents(messages, signatures, names), "parts")


def _contents(
    messages: Sequence[Message], signatures: Signatures, names: dict[str, str]
) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield whether a message is a result, and what it is on the wire."""
    for message, before in zip(messages, outlines(messages), strict=False):
        if message.role in turns.SYSTEM_ROLES:
            continue
        names |= names_of_calls([message])
        if message.role == "tool":
            yield True, {"parts": [_tool_response(message, names)], "role": "user"}
            continue
        role = turns.wire_role(message, _ROLES, "gemini")
        calls = [_call(call, signatures, before) for call in message.tool_calls or ()]
        parts = [] if calls and not message.content else _parts(message, names)
        yield False, {"parts": [*parts, *calls], "role": role}


def names_of_calls(messages: Iterable[Message]) -> dict[str, str]:
    """Return the functions that messages call, by call id: an answer names its function, too."""
    names: dict[str, str] = {}
    for message in messages:
        names |= {call.id: call.function.name for call in message.tool_calls or ()}
        if isinstance(message.content, list):
            names |= {part.id: part.name for part in message.content if isinstance(part, blocks.ToolUsePart)}
    return names


def _parts(message: Message, names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    if isinstance(message.content, list):
        return [_part(part, names or {}) for part in turns.without_blanks(message.content, message.tool_calls)]
    return [{"text": message.content or message.refusal or ""}]


def _part(part: ContentPart, names: Mapping[str, str]) -> dict[str, Any]:
    match part:
        case common.TextPart():
            return {"text": part.text, **present(thoughtSignature=part.signature)}
        case common.RefusalPart():
            return {"text": part.refusal}
        case blocks.ThinkingPart():
            return {"text": part.text, "thought": True, **present(thoughtSignature=part.signature)}
        case blocks.ToolUsePart():
            call = {**sent_id(part.id), "name": part.name, "args": part.given()["input"]}
            return {"functionCall": call, **present(thoughtSignature=part.signature)}
        case blocks.ToolResultPart():
            return _response(part.tool_use_id, _name(part.tool_use_id, names), *_result(part))
        case (
            common.ImagePart()
            | common.FilePart()
            | common.AudioPart()
            | blocks.SourcedImagePart()
            | blocks.DocumentPart()
        ):
            return wire_media(part)
        case OwnBlock() if part.type is None and not OWN_PARTS.isdisjoint(part.model_extra or ()):
            return part.given()
        case _:
            raise turns.unsendable(part, "gemini")


def _call(call: AnyToolCall, signatures: Signatures, before: Outline) -> dict[str, Any]:
    return {
        "functionCall": {**sent_id(call.id), "name": call.function.name, "args": sent_arguments(call, "gemini")},
        **present(thoughtSignature=signatures.of(call.id, before)),
    }


def _tool_response(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    call_id = turns.answered_id(message)
    text, media = _text_and_media(message.content)
    return _response(call_id, message.name or _name(call_id, names), {"result": text}, media)


def _name(call_id: str, names: Mapping[str, str]) -> str:
    if call_id not in names:
        raise UsageError(f"the result of {call_id!r} answers no call: gemini must be told which function was called")
    return names[call_id]


def _result(part: blocks.ToolResultPart) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    key = "error" if part.is_error else "result"
    match part.content:
        case [blocks.JSONPart() as only]:
            value = only.given()["value"]
            return value if isinstance(value, dict) else {key: value}, []
        case content:
            text, media = _text_and_media(content)
            return {key: text}, media


def _text_and_media(content: str | Sequence[Any] | None) -> tuple[str, list[dict[str, Any]]]:
    """Return what the result of a tool says, and what it shows, which newer models take beside that."""
    if content is None or isinstance(content, str):
        return content or "", []
    texts: list[str] = []
    media: list[dict[str, Any]] = []
    for part in content:
        if isinstance(part, MediaPart):
            media.append(wire_media(part))
        elif isinstance(part, common.TextPart | blocks.BlockText):
            texts.append(part.text)
        else:
            raise UsageError(f"gemini takes no {type(part).__name__} among others as the result of a tool")
    return "".join(texts), media


def _response(call_id: str, name: str, response: Mapping[str, Any], media: list[dict[str, Any]]) -> dict[str, Any]:
    return {"functionResponse": {**sent_id(call_id), "name": name, "response": response, **filled(parts=media)}}


def own_id(response_id: str, number: int) -> str:
    """Return the id of a call that has none: the same for the same answer, another for each call of each answer."""
    return f"{_OWN}{response_id}-{number}" if response_id else f"{_OWN}{number}"


def sent_id(call_id: str) -> dict[str, str]:
    """Return the field that names a call on the wire, or none for an id of ours."""
    return {} if call_id.startswith(_OWN) else {"id": call_id}


def wire_tools(tools: Sequence[ToolDefinition | HostedTool], schema_field: str = JSON_SCHEMA) -> list[dict[str, Any]]:
    """Return tools on the wire, functions side by side in one of them. `schema_field` takes their JSON Schemas."""
    wire: list[dict[str, Any]] = []
    for tool in tools:
        if isinstance(tool, HostedTool):
            settings = tool.given()
            wire.append({settings.pop("type"): settings})
            continue
        if not wire or "functionDeclarations" not in wire[-1]:
            wire.append({"functionDeclarations": []})
        wire[-1]["functionDeclarations"].append(_declaration(tool, schema_field))
    return wire


def _declaration(tool: ToolDefinition, schema_field: str) -> dict[str, Any]:
    function, schema = tool.function, tool.function.given().get("parameters")
    if schema is not None and is_own_schema(schema):
        schema_field = OWN_SCHEMA
    return {"name": function.name, **present(description=function.description, **{schema_field: schema})}


def is_own_schema(schema: Mapping[str, Any]) -> bool:
    """Whether this is a schema in Gemini's own dialect; JSON Schema has no type in capitals."""
    return str(schema.get("type")).isupper()
