"""Conversations and tools in the form of Cohere's chat API, version 1.

Source: https://docs.cohere.com/v1/reference/chat and https://docs.cohere.com/v1/docs/tool-use (2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.messages import AnyToolCall, Message, TextPart, ToolDefinition
from harness.providers.shared.requests.recorded_request import picked
from harness.providers.shared.requests.turns import of_no_type
from harness.providers.shared.requests.wire_body import filled, sent_arguments

_ROLES: Final = {"user": "USER", "assistant": "CHATBOT", "system": "SYSTEM", "developer": "SYSTEM"}
#: Types of JSON Schema by their names there, which are Python's.
_TYPES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "dict",
}


def conversation(messages: Sequence[Message]) -> dict[str, Any]:
    """Return the fields of a conversation: what is asked last, apart from what was said before. Raises UsageError."""
    turns: list[dict[str, Any]] = []
    calls: dict[str, dict[str, Any]] = {}
    for message in messages:
        if message.role in ("tool", "function"):
            result = {"call": _called(message, calls), "outputs": [{"output": _text(message)}]}
            if not turns or turns[-1]["role"] != "TOOL":
                turns.append({"role": "TOOL", "tool_results": []})
            turns[-1]["tool_results"].append(result)
            continue
        turn: dict[str, Any] = {"role": _ROLES[message.role], "message": _text(message)}
        if message.tool_calls:
            calls |= {call.id: _call(call) for call in message.tool_calls}
            turn["tool_calls"] = [calls[call.id] for call in message.tool_calls]
        turns.append(turn)
    last = turns.pop() if turns else {"role": None}
    if last["role"] not in ("USER", "TOOL"):
        raise UsageError("cohere-v1: a conversation ends with a message of the user, or with results of tools")
    prompt = picked(last, message="message", tool_results="tool_results")
    return {"message": "", **prompt, **filled(chat_history=turns)}


def _text(message: Message) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    for part in message.content:
        if not isinstance(part, TextPart):
            raise of_no_type(part, "cohere-v1", "text")
    return "".join(part.text for part in message.content if isinstance(part, TextPart))


def _call(call: AnyToolCall) -> dict[str, Any]:
    return {"name": call.function.name, "parameters": sent_arguments(call, "cohere-v1")}


def _called(message: Message, calls: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found = calls.get(message.tool_call_id or "")
    if found is None:
        raise UsageError(
            f"cohere-v1: a result names the call {message.tool_call_id!r}, which no message before it made"
        )
    return found


def wire_tool(tool: ToolDefinition) -> dict[str, Any]:
    """Return the definition of a tool. Raises UsageError for an argument whose type has no name there."""
    schema = tool.function.parameters or {}
    needed = schema.get("required") or ()
    definitions = {}
    for name, argument in (schema.get("properties") or {}).items():
        kind = argument.get("type")
        if kind not in _TYPES:
            raise UsageError(
                f"cohere-v1: argument {name!r} of {tool.function.name!r} has no type that can be sent: {kind!r}"
            )
        described = picked(argument, description="description")
        definitions[name] = {**described, "type": _TYPES[kind], "required": name in needed}
    description = tool.function.description or ""
    return {"name": tool.function.name, "description": description, "parameter_definitions": definitions}
