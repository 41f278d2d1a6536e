"""The request body of OpenAI chat completions: from our request to the wire, and back from a recorded one."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace
from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.input.blocks import CachePointPart
from harness.llm.input.hosted import HostedTool, hosted_tools, in_order
from harness.llm.input.messages import ContentPart, Message, ToolDefinition
from harness.llm.input.own_block import OwnBlock
from harness.llm.input.reader import read_messages, read_tools
from harness.llm.input.unsent_fields import ALL, Carried
from harness.llm.input.value import Extended
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.row import sdk_needed
from harness.providers.shared.requests.recorded_request import STOPS, RecordedRequest, check_same, json_object
from harness.providers.shared.requests.wire_body import filled, present, same_names, wire_settings, with_additional
from harness.validation import answer_schema

#: Models that reason: they take `max_completion_tokens` in place of `max_tokens`, and no stop words.
_REASONING: Final = r"(?:ft:)?(?:o\d|gpt-[5-9])"
_COUNTS_REASONING: Final = re.compile(_REASONING)
NO_STOP_WORDS: Final = re.compile(rf"(?:.*/)?{_REASONING}")
#: Variables that may say where the API is, in order, and how the addresses of OpenAI's own begin.
ADDRESSES: Final = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
_OPENAI: Final = re.compile(r"https://([\w-]+\.)*openai\.com(/|$)")
#: What the name of a format can't have, and how long it may be.
_UNNAMED: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST_NAME: Final = 64
#: Fields of messages that hosts have added to the format.
_OF_HOSTS: Final = frozenset(
    {"reasoning_content", "reasoning", "reasoning_details", "prefix", "cache_control", "extra_content", "parsed"}
)
#: The field of parts up to which a prompt is to be cached.
CACHE_MARK: Final = "prompt_cache_breakpoint"
#: What OpenAI's own API knows of messages, parts and tools; it refuses other fields.
_CARRIED: Final = Carried(
    frozenset({"name", "refusal"}),
    frozenset({"title", "context", "citations", "detail", CACHE_MARK}),
    frozenset({"strict"}),
)
_SETTINGS: Final = same_names(
    *("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "n", "reasoning_effort"),
    *("logprobs", "top_logprobs", "top_k"),
)


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    of_hosts = _is_a_host(llm)
    limit = "max_completion_tokens" if llm.says_completion_tokens else _max_tokens_field(llm.model)
    tools = [_wire_tool(tool, of_hosts=of_hosts) for tool in request.all_tools()]
    answer_format = request.response_format
    body = {
        "model": llm.model,
        "messages": [_wire_message(message, request.custom_tools, of_hosts=of_hosts) for message in request.messages],
        **present(stream=request.stream),
        # Usage comes at a stream's end only where it is asked for (clause llm.usage).
        **({"stream_options": {"include_usage": True}} if request.stream else {}),
        **wire_settings(llm, _SETTINGS, request.without),
        **({"thinking": llm.thinking} if _sends_thinking(llm) else {}),
        **({} if llm.max_tokens is None else {limit: llm.max_tokens}),
        **filled(stop=request.stop, tools=tools, tool_choice="auto" if tools else None),
        **({} if answer_format is None else {"response_format": response_format(answer_format)}),
    }
    return with_additional(llm, body)


def _is_a_host(llm: BaseLLM) -> bool:
    """Whether this is not OpenAI's own API, as far as can be told: that refuses fields which it does not know."""
    named = environment(ADDRESSES)
    is_elsewhere = named is not None and _OPENAI.match(named) is None
    return llm.provider != "openai" or llm.base_url is not None or is_elsewhere


def carried_by(llm: BaseLLM) -> Carried:
    """Return what of messages and tools `llm` sends: to hosts of this format, which have fields of their own, all."""
    carried = ALL if _is_a_host(llm) else _CARRIED
    return carried if _sends_thinking(llm) else replace(carried, without=frozenset({"thinking"}))


def _sends_thinking(llm: BaseLLM) -> bool:
    """Whether the setting `thinking` has a form on this wire: that of the hosts which have added it, an object."""
    return isinstance(llm.thinking, Mapping) and _is_a_host(llm)


def _wire_message(message: Message, custom: Container[str], *, of_hosts: bool) -> dict[str, Any]:
    for part in message.content if isinstance(message.content, list) else ():
        if isinstance(part, OwnBlock) and part.type is None:
            raise UsageError(f"a message takes no block of the kind {part.kind!r} in OpenAI's chat format")
    not_there = () if of_hosts else (*_OF_HOSTS, *message.added)
    sent = message.model_dump(mode="json", exclude_unset=True, exclude={"item", *not_there})
    if not of_hosts and isinstance(message.content, list):
        sent["content"] = [_of_openai(part) for part in message.content if not isinstance(part, CachePointPart)]
    for call in sent.get("tool_calls") or ():
        if not of_hosts:
            for name in ("index", "extra_content"):
                call.pop(name, None)
            call.get("function", {}).pop("parsed_arguments", None)
        if call.get("function", {}).get("name") in custom:
            function = call.pop("function")
            call |= {"type": "custom", "custom": {"name": function["name"], "input": function["arguments"]}}
    return sent


def _of_openai(part: ContentPart) -> dict[str, Any]:
    sent = part.given()
    sent.pop("cache_control", None)
    for name in part.added if isinstance(part, Extended) else ():
        if name != CACHE_MARK:
            del sent[name]
    return sent


def _wire_tool(tool: ToolDefinition | HostedTool, *, of_hosts: bool) -> dict[str, Any]:
    sent = tool.given()
    if isinstance(tool, HostedTool):
        return sent
    # Hosts, too, refuse the null that a function without a docstring has; other nulls some of them are sent.
    added, unsaid = ((), ("description",)) if of_hosts else (tool.function.added, sent["function"])
    function = {
        name: value
        for name, value in sent["function"].items()
        if name not in added and (value is not None or name not in unsaid)
    }
    return {**sent, "function": function} if of_hosts else {"type": "function", "function": function}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    recorded = recorded_chat(body)
    base_url = recorded.base_url(url, "/chat/completions")
    return recorded_call(recorded, "openai", recorded.model(), base_url=base_url)


def recorded_chat(body: bytes) -> RecordedRequest:
    kinds = {"response_format": dict, "stop": STOPS}
    return RecordedRequest(json_object(body, ["messages"]), kinds, systems=True)


def recorded_call(recorded: RecordedRequest, provider: str, model: str, **settings: Any) -> RecordedCall:
    """Return the call of a recorded body."""
    fields = {**_SETTINGS, "max_tokens": _max_tokens_field(model), "response_format": "response_format"}
    if NO_STOP_WORDS.match(model) is None:
        fields["stop"] = "stop"
    settings |= recorded.settings(fields)
    if isinstance(settings.get("stop"), str):
        # We send a list.
        recorded.rest["stop"] = settings["stop"]
    if recorded.rest.get("stream"):
        recorded.rest.setdefault("stream_options", OMIT)
    messages, tools = recorded.messages("messages", _parse_messages), recorded.tools(_parse_tools)
    if tools:
        recorded.rest.setdefault("tool_choice", OMIT)
    return recorded.call(f"{provider}/{model}", messages, tools, **settings)


def _parse_messages(wire: Sequence[Any]) -> list[dict[str, Any]]:
    messages = [message.given() for message in read_messages(wire)]
    check_same(messages, wire)
    return messages


def _parse_tools(wire: Sequence[Any]) -> list[dict[str, Any]]:
    tools = in_order(read_tools(wire), hosted_tools(wire))
    check_same([_wire_tool(tool, of_hosts=True) for tool in tools], list(wire))
    return [tool.given() for tool in tools]


def _max_tokens_field(model: str) -> str:
    return "max_completion_tokens" if _COUNTS_REASONING.match(model) else "max_tokens"


def response_format(answer_format: type[BaseModel] | Mapping[str, Any]) -> Any:
    """Return what asks for an answer that validates as `wanted`; a mapping is the provider's own form already."""
    if isinstance(answer_format, Mapping):
        return answer_format
    with sdk_needed("openai", "openai"):
        import openai

    schema = answer_schema(answer_format, openai.pydantic_function_tool)["function"]["parameters"]
    # A generic model's name has brackets, and a class may be named in any language.
    name = _UNNAMED.sub("_", answer_format.__name__).strip("_")[:_LONGEST_NAME] or "answer"
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}
