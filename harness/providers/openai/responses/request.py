"""The request body of OpenAI's Responses API: from our request to the wire, and back from a recorded one.

Source: https://platform.openai.com/docs/api-reference/responses/create (2026-11).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.input.hosted import HostedTool, hosted_tools, in_order
from harness.llm.input.messages import Message, ToolDefinition
from harness.llm.input.reader import read_messages, read_tools
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.openai.request import response_format
from harness.providers.openai.responses.items import parse_item, wire_items
from harness.providers.shared.requests.recorded_request import (
    UNREADABLE,
    RecordedRequest,
    check_same,
    checked,
    json_object,
)
from harness.providers.shared.requests.wire_body import filled, present, same_names, wire_settings, with_additional

_SETTINGS: Final = {
    **same_names("temperature", "top_p"),
    "max_tokens": "max_output_tokens",
    "top_logprobs": "top_logprobs",
}
#: What a conversation is asked by that the provider has, in place of `input`.
_KEPT: Final = frozenset({"input", "prompt", "previous_response_id", "conversation"})
_UNKNOWN: Final = ("seed", "frequency_penalty", "presence_penalty", "n", "top_k")


def check_settings(llm: BaseLLM) -> None:
    for name in _UNKNOWN:
        if getattr(llm, name) is not None:
            raise UsageError(
                f"the Responses API has no {name!r}; leave it out, or use openai/… in place of {llm.model}"
            )


def wire_body(
    llm: BaseLLM,
    request: LLMRequest,
    *,
    instructions: str | None,
    include: Sequence[str],
    store: bool | None,
    builtin_tools: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return the JSON body; system messages that come first are `instructions`, unless `additional_params` has some."""
    messages: Sequence[Message] = request.messages
    body: dict[str, Any] = {"model": llm.model}
    if "instructions" not in llm.additional_params:
        system, messages = _leading_system(messages)
        system = [*filter(None, [instructions]), *system]
        if system:
            body["instructions"] = "\n\n".join(system)
    answer_format = request.response_format
    body |= {
        "input": _input(messages, request.custom_tools),
        **present(stream=request.stream),
        **wire_settings(llm, _SETTINGS),
        **filled(include=list(dict.fromkeys(include))),
        **present(store=store),
        **filled(reasoning=_reasoning(llm), tools=[*map(_wire_tool, request.all_tools()), *builtin_tools]),
        **({} if answer_format is None else {"text": {"format": _format(answer_format)}}),
    }
    return with_additional(llm, body, "text", "reasoning")


def _leading_system(messages: Sequence[Message]) -> tuple[list[str], Sequence[Message]]:
    texts: list[str] = []
    for message in messages:
        text = _plain_text(message) if message.role == "system" else None
        if text is None:
            break
        texts.append(text)
    return texts, messages[len(texts) :]


def _plain_text(message: Message) -> str | None:
    if isinstance(message.content, str):
        return message.content
    texts = [getattr(part, "text", None) for part in message.content or ()]
    return "".join(text for text in texts if text) if None not in texts else None


def _input(messages: Sequence[Message], custom_tools: Container[str]) -> Any:
    if len(messages) == 1 and messages[0].item is not None and messages[0].item.bare:
        return messages[0].content
    calls = [call for message in messages for call in message.tool_calls or ()]
    custom = {call.id for call in calls if call.type == "custom" or call.function.name in custom_tools}
    return [item for message in messages for item in wire_items(message, custom)]


def _reasoning(llm: BaseLLM) -> dict[str, Any]:
    effort = present(effort=llm.reasoning_effort)
    match llm.thinking:
        case None | False:
            return effort
        case True:
            return {**effort, "summary": "auto"}
        case str() as summary:
            return {**effort, "summary": summary}
        case Mapping() as reasoning:
            return {**effort, **reasoning}
    raise UsageError(f"thinking is {llm.thinking!r}; expected True, the kind of summary, or the fields of `reasoning`")


def _wire_tool(tool: ToolDefinition | HostedTool) -> dict[str, Any]:
    return tool.given() if isinstance(tool, HostedTool) else {"type": "function", **tool.function.given(), **tool.added}


def _format(answer_format: type[BaseModel] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the format in this API's form, which has in one object what chat completions nest."""
    chat: dict[str, Any] = dict(response_format(answer_format))
    nested = chat.pop("json_schema", None)
    return {**chat, **nested} if isinstance(nested, Mapping) else chat


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    recorded = recorded_responses(body)
    return recorded_call(recorded, "openai-responses", base_url=recorded.base_url(url, "/responses"))


def recorded_responses(body: bytes) -> RecordedRequest:
    recorded = json_object(body)
    if recorded.get("background") and not recorded.get("stream"):
        raise UsageError("background of the recorded request: a call that is answered later is not supported")
    # What the provider keeps may stand for it.
    return RecordedRequest(recorded if recorded.keys() & _KEPT else json_object(body, ["input"]), systems=True)


def recorded_call(recorded: RecordedRequest, integration: str, **settings: Any) -> RecordedCall:
    """Return the call of a recorded body, made by that integration with `settings` beside those that the body tells."""
    rest = recorded.rest
    try:
        messages = _parse_conversation(rest)
    except UNREADABLE:
        conversation = rest.setdefault("input", OMIT)
        rest.setdefault("instructions", OMIT)
        messages = recorded.spoken(conversation if isinstance(conversation, list) else [], "input")
    settings |= {**recorded.settings(_SETTINGS), **_take_settings(rest)}
    model, tools = recorded.model(), recorded.tools(_parse_tools)
    return recorded.call(f"{integration}/{model}", messages, tools, **settings)


def _parse_conversation(rest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages, which are taken; what must be said of the instructions to get them again is left."""
    conversation = rest["input"]
    if isinstance(conversation, str):
        messages: list[dict[str, Any]] = [{"role": "user", "content": conversation, "item": {"bare": True}}]
    elif not isinstance(conversation, list):
        raise TypeError(f"{conversation!r:.200} is neither text nor a list")
    else:
        messages = [_parse_item(item) for item in conversation]
    begins_with_system = bool(messages) and messages[0]["role"] == "system"
    instructions = rest.get("instructions")
    is_message = isinstance(instructions, str) and not begins_with_system
    if is_message:
        messages.insert(0, {"role": "system", "content": instructions})
    read = [message.given() for message in read_messages(messages)]
    del rest["input"]
    if is_message:
        del rest["instructions"]
    elif begins_with_system:
        rest.setdefault("instructions", OMIT)
    return read


def _parse_item(item: Any) -> dict[str, Any]:
    return checked([parse_item(item)], lambda ours: list(wire_items(ours[0])), [item])[0]


def _take_settings(rest: dict[str, Any]) -> dict[str, Any]:
    """Take the settings that fields of several settings tell."""
    settings: dict[str, Any] = {}
    match rest.get("reasoning"):
        case {"effort": str() as effort, **more} if not more:
            settings["reasoning_effort"] = effort
            del rest["reasoning"]
        case Mapping() as reasoning if reasoning:
            settings["thinking"] = reasoning
            del rest["reasoning"]
    match rest.get("text"):
        case {"format": Mapping() as answer_format, **more} if not more:
            settings["response_format"] = answer_format
            del rest["text"]
    return settings


def _parse_tools(wire: Sequence[Any]) -> list[dict[str, Any]]:
    ours = []
    for tool in wire:
        function = {name: value for name, value in tool.items() if name != "type"}
        ours.append({"type": "function", "function": function} if tool.get("type") == "function" else tool)
    read = in_order(read_tools(ours), hosted_tools(ours))
    check_same([_wire_tool(tool) for tool in read], list(wire))
    return [tool.given() for tool in read]
