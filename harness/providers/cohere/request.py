"""The request body of Cohere's chat API, version 1: from our request to the wire, and back from a recorded one.

Sources: https://docs.cohere.com/v1/reference/chat and https://docs.cohere.com/v1/docs/tool-use (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.input.messages import AnyToolCall, Message, TextPart, ToolDefinition
from harness.llm.recorded import RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.shared.requests.recorded_request import RecordedRequest, body_fields, json_object, picked
from harness.providers.shared.requests.turns import of_no_type
from harness.providers.shared.requests.wire_body import (
    described,
    filled,
    present,
    refuse_settings,
    same_names,
    sent_arguments,
    wire_settings,
    with_additional,
)
from harness.validation import answer_schema

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

PATH: Final = "/v1/chat"
#: Where it is, unless somebody says otherwise.
HOME: Final = "https://api.cohere.com"
_OWN_HOST: Final = re.compile(r"https?://[^/]*\.cohere\.(?:com|ai)/")
FIELDS: Final = {
    **same_names("temperature", "max_tokens"),
    "top_p": "p",
    "top_k": "k",
    **same_names("seed", "frequency_penalty", "presence_penalty"),
}
_UNKNOWN: Final = ("n", "reasoning_effort", "thinking", "logprobs", "top_logprobs")
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


def is_call(url: str, body: bytes | None) -> bool:
    """Whether a request is of this API; `body` is None where it is not known. Others have paths of that name, too."""
    return _OWN_HOST.match(url) is not None or isinstance(body_fields(body).get("message"), str)


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    refuse_settings(llm, _UNKNOWN, "cohere-v1")
    tools = [] if "tools" in llm.additional_params else [_wire_tool(tool) for tool in request.tools]
    answer_format = request.response_format
    body = {
        "model": llm.model,
        **_conversation(request.messages),
        **present(stream=request.stream),
        **wire_settings(llm, FIELDS),
        **filled(stop_sequences=request.stop, tools=tools),
        **({} if answer_format is None else {"response_format": response_format(answer_format, "schema")}),
    }
    return with_additional(llm, body)


def response_format(answer_format: type[BaseModel] | Mapping[str, Any], schema_field: str) -> Mapping[str, Any]:
    """Return what asks for an answer of a form; `schema_field` takes its JSON Schema. A mapping may be in OpenAI's form."""
    if not isinstance(answer_format, Mapping):
        return {"type": "json_object", schema_field: answer_schema(answer_format)}
    if answer_format.get("type") == "json_schema":
        return {"type": "json_object", schema_field: described(answer_format)["schema"]}
    return answer_format


def _conversation(messages: Sequence[Message]) -> dict[str, Any]:
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
        return message.content or message.refusal or ""
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


def _wire_tool(tool: ToolDefinition) -> dict[str, Any]:
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


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call; what was said before, and how tools are defined, is carried."""
    recorded = RecordedRequest(json_object(body, ["message"]), {"message": str})
    base_url, model = recorded.base_url(url, PATH), recorded.model()
    messages = [{"role": "user", "content": recorded.take("message") or ""}]
    return recorded.call(f"cohere-v1/{model}", messages, _parse_tools(recorded.rest.get("tools")), base_url=base_url)


def _parse_tools(wire: Any) -> list[dict[str, Any]]:
    """Return the names of tools, in our form."""
    return [
        {"type": "function", "function": {"name": tool["name"], "parameters": {"type": "object"}}}
        for tool in (wire if isinstance(wire, list) else ())
        if isinstance(tool, Mapping) and isinstance(tool.get("name"), str)
    ]
