"""The request body of Cohere's chat API, version 2: from our request to the wire, and back from a recorded one.

Source: https://docs.cohere.com/reference/chat (2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.llm.base import BaseLLM
from harness.llm.input.messages import AnyToolCall, ContentPart, ImagePart, Message, TextPart
from harness.llm.recorded import RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.cohere.request import FIELDS, response_format
from harness.providers.shared.requests.recorded_request import RecordedRequest, checked, json_object, parse_tools
from harness.providers.shared.requests.turns import of_no_type
from harness.providers.shared.requests.wire_body import filled, present, refuse_settings, wire_settings, with_additional

PATH: Final = "/v2/chat"
_UNKNOWN: Final = ("n", "reasoning_effort", "top_logprobs")
_ROLES: Final = {"developer": "system", "function": "tool"}


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    refuse_settings(llm, _UNKNOWN, "cohere-v2")
    answer_format, thinking = request.response_format, llm.thinking
    body = {
        "model": llm.model,
        "messages": [_wire_message(message) for message in request.messages],
        **present(stream=request.stream),
        **wire_settings(llm, {**FIELDS, "logprobs": "logprobs"}),
        **present(thinking={"type": "enabled" if thinking else "disabled"} if isinstance(thinking, bool) else thinking),
        **filled(stop_sequences=request.stop, tools=[tool.given() for tool in request.tools]),
        **({} if answer_format is None else {"response_format": response_format(answer_format, "json_schema")}),
    }
    return with_additional(llm, body)


def _wire_message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": _ROLES.get(message.role, message.role)}
    parts = message.content if message.content is not None else message.refusal
    content = [_part(part) for part in parts] if isinstance(parts, list) else parts
    if message.reasoning_content:
        text = [{"type": "text", "text": content}] if isinstance(content, str) and content else content or []
        content = [{"type": "thinking", "thinking": message.reasoning_content}, *text]
    if content or not message.tool_calls:
        sent["content"] = content or ""
    if message.tool_calls:
        sent["tool_calls"] = [_call(call) for call in message.tool_calls]
    return {**sent, **filled(tool_plan=message.reasoning), **present(tool_call_id=message.tool_call_id)}


def _part(part: ContentPart) -> dict[str, Any]:
    if not isinstance(part, TextPart | ImagePart):
        raise of_no_type(part, "cohere-v2", "text and images")
    return part.given()


def _call(call: AnyToolCall) -> dict[str, Any]:
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    recorded = RecordedRequest(json_object(body, ["messages"]), systems=True)
    base_url, model = recorded.base_url(url, PATH), recorded.model()
    messages, tools = recorded.messages("messages", _parse_messages), recorded.tools(parse_tools)
    return recorded.call(f"cohere-v2/{model}", messages, tools, base_url=base_url)


def _parse_messages(wire: Sequence[Any]) -> list[dict[str, Any]]:
    found = [{"reasoning" if name == "tool_plan" else name: message[name] for name in message} for message in wire]
    return checked(found, lambda ours: list(map(_wire_message, ours)), list(wire))
