"""The request body of Cohere's chat API, version 2: from our request to the wire, and back from a recorded one.

Source: https://docs.cohere.com/reference/chat (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.input.messages import ImagePart, Message, TextPart, read_messages
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.cohere.request import FIELDS
from harness.providers.shared.recorded.query import EXTRA_QUERY, parse_query
from harness.providers.shared.recorded.recorded_body import ANY, FLAG, OBJECTS, fitting, json_object, named_model
from harness.providers.shared.recorded.verbatim import Verbatim, check_same, parse_tools

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

PATH: Final = "/v2/chat"
#: Settings that it has nothing like.
_UNKNOWN: Final = ("n", "reasoning_effort", "top_logprobs")
_ROLES: Final = {"developer": "system", "function": "tool"}


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    """Return the JSON body of `request` with the settings of `llm`. Its `additional_params` win over all else.

    Raises:
        UsageError: a message or a setting has no form there.
    """
    for name in _UNKNOWN:
        if getattr(llm, name) is not None:
            raise UsageError(f"cohere-v2: {name} can't be sent; leave it out")
    body: dict[str, Any] = {"model": llm.model, "messages": [_wire_message(message) for message in request.messages]}
    if request.stream is not None:
        body["stream"] = request.stream
    body |= {wire: value for ours, wire in FIELDS.items() if (value := getattr(llm, ours)) is not None}
    if llm.logprobs is not None:
        body["logprobs"] = llm.logprobs
    if llm.thinking is not None:
        switched = {True: {"type": "enabled"}, False: {"type": "disabled"}}
        body["thinking"] = switched[llm.thinking] if isinstance(llm.thinking, bool) else llm.thinking
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.tools:
        body["tools"] = [tool.given() for tool in request.tools]
    if request.response_format is not None:
        body["response_format"] = _format(request.response_format)
    body |= llm.additional_params
    return {name: value for name, value in body.items() if value is not OMIT and name != EXTRA_QUERY}


def _wire_message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": _ROLES.get(message.role, message.role)}
    parts = message.content if message.content is not None else message.refusal
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, TextPart | ImagePart):
            kind = getattr(part, "type", None) or type(part).__name__
            raise UsageError(f"cohere-v2: a message takes text and images, and no part of the type {kind!r}")
    content = (
        [part.given() for part in parts if isinstance(part, TextPart | ImagePart)] if isinstance(parts, list) else parts
    )
    if message.reasoning_content:
        text = [{"type": "text", "text": content}] if isinstance(content, str) and content else content or []
        content = [{"type": "thinking", "thinking": message.reasoning_content}, *text]
    if content or not message.tool_calls:
        sent["content"] = content or ""
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls
        ]
    if message.reasoning:
        sent["tool_plan"] = message.reasoning
    if message.tool_call_id is not None:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _format(wanted: type[BaseModel] | Mapping[str, Any]) -> Any:
    if not isinstance(wanted, Mapping):
        return {"type": "json_object", "json_schema": wanted.model_json_schema()}
    if wanted.get("type") == "json_schema":
        return {"type": "json_object", "json_schema": wanted["json_schema"]["schema"]}
    return wanted


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call that made a recorded request: made again, it goes to the same URL with the same JSON.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    recorded, odd = fitting(json_object(body, {"messages": ANY}), {"stream": FLAG, "tools": OBJECTS})
    base_url, _, query = url.partition("?")
    model, unnamed = named_model(recorded)
    verbatim = Verbatim(systems=True)
    messages = verbatim.messages("messages", recorded["messages"], _parse_messages)
    tools = verbatim.tools("tools", recorded.get("tools") or (), parse_tools)
    taken = {"model", "messages"} | {name for name in ("stream", "tools") if recorded.get(name) not in (None, [])}
    rest = {name: value for name, value in recorded.items() if name not in taken}
    return RecordedCall(
        model=f"cohere-v2/{model}",
        messages=messages,
        tools=tools,
        stream=recorded.get("stream"),
        settings={"base_url": base_url.removesuffix(PATH)},
    ).with_rest({**rest, **verbatim.fields, **odd, **unnamed, **({EXTRA_QUERY: parse_query(query)} if query else {})})


def _parse_messages(wire: Sequence[Any]) -> list[dict[str, Any]]:
    found = [
        {("reasoning" if name == "tool_plan" else name): value for name, value in message.items()} for message in wire
    ]
    check_same([_wire_message(message) for message in read_messages(found)], list(wire), "messages")
    return found
