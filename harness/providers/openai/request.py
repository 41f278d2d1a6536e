"""The request body of OpenAI chat completions: from our request to the wire, and back from a recorded one."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.input.hosted import HostedTool, hosted_tools, in_order
from harness.llm.input.messages import ContentPart, Message, ToolDefinition, read_messages, read_tools
from harness.llm.input.own_block import OwnBlock
from harness.llm.input.unsent_fields import ALL, Carried
from harness.llm.input.value import Extended
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.shared.recorded.query import EXTRA_QUERY, parse_query
from harness.providers.shared.recorded.recorded_body import (
    ANY,
    FLAG,
    OBJECT,
    OBJECTS,
    STOPS,
    fitting,
    json_object,
    named_model,
)
from harness.providers.shared.recorded.verbatim import Verbatim, check_same

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

#: What recorded bodies must have, and what some fields are; those that are not are carried as they are.
CONVERSATION: Final = {"messages": ANY}
FIELDS: Final = {"stream": FLAG, "tools": OBJECTS, "response_format": OBJECT, "stop": STOPS}
#: Models that take `max_completion_tokens` in place of `max_tokens`.
_REASONING: Final = re.compile(r"(o\d|gpt-5)")
#: Models that take no stop words.
NO_STOP_WORDS: Final = re.compile(r"(?:.*/)?gpt-5")
#: Fields of messages that hosts have added to the format.
_OF_HOSTS: Final = frozenset(
    {"reasoning_content", "reasoning", "reasoning_details", "prefix", "cache_control", "extra_content", "parsed"}
)
#: What OpenAI's own API knows of messages, parts and tools; it refuses other fields.
_CARRIED: Final = Carried(
    frozenset({"name", "refusal"}), frozenset({"title", "context", "citations", "detail"}), frozenset({"strict"})
)
#: Settings that have the same name on the wire.
_SAME_NAME: Final = (
    "temperature",
    "top_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "n",
    "reasoning_effort",
    "logprobs",
    "top_logprobs",
    "top_k",
)


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    """Return the JSON body of `request` with the settings of `llm`. Its `additional_params` win over all else."""
    body: dict[str, Any] = {
        "model": llm.model,
        "messages": [
            _wire_message(message, request.custom_tools, of_hosts=_is_a_host(llm)) for message in request.messages
        ],
    }
    if request.stream is not None:
        body["stream"] = request.stream
    if request.stream:
        # Usage comes at a stream's end only where it is asked for (clause llm.usage).
        body["stream_options"] = {"include_usage": True}
    for name in _SAME_NAME:
        if (value := getattr(llm, name)) is not None and name not in request.without:
            body[name] = value
    if _sends_thinking(llm):
        body["thinking"] = llm.thinking
    if llm.max_tokens is not None:
        named = "max_completion_tokens" if llm.says_completion_tokens else _max_tokens_field(llm.model)
        body[named] = llm.max_tokens
    if request.stop:
        body["stop"] = request.stop
    if request.all_tools():
        body["tools"] = [_wire_tool(tool, of_hosts=_is_a_host(llm)) for tool in request.all_tools()]
        body["tool_choice"] = "auto"
    if request.response_format is not None:
        body["response_format"] = response_format(request.response_format)
    body |= llm.additional_params
    return {name: value for name, value in body.items() if value is not OMIT and name != EXTRA_QUERY}


def _is_a_host(llm: BaseLLM) -> bool:
    """Whether this is not OpenAI's own API, as far as can be told: that refuses fields which it does not know."""
    return llm.provider != "openai" or llm.base_url is not None


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
        sent["content"] = [_of_openai(part) for part in message.content]
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
        del sent[name]
    return sent


def _wire_tool(tool: ToolDefinition | HostedTool, *, of_hosts: bool) -> dict[str, Any]:
    if of_hosts or isinstance(tool, HostedTool):
        return tool.given()
    function = {name: value for name, value in tool.function.given().items() if name not in tool.function.added}
    return {"type": "function", "function": function}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call that made a recorded request: made again, it goes to the same URL with the same JSON.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    recorded = json_object(body, CONVERSATION)
    base_url, _, query = url.partition("?")
    model, unnamed = named_model(recorded)
    call = recorded_call(f"openai/{model}", recorded, base_url=base_url.removesuffix("/chat/completions"))
    return call.with_rest({**unnamed, **({EXTRA_QUERY: parse_query(query)} if query else {})})


def recorded_call(
    model: str, recorded: Mapping[str, Any], *, no_stop_words: re.Pattern[str] = NO_STOP_WORDS, **given: Any
) -> RecordedCall:
    """Return the call of a recorded body, made by `model` with the settings `given` beside those that the body tells.

    `no_stop_words` are the names of models that are sent no stop words.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    recorded, odd = fitting(dict(recorded), FIELDS)
    settings: dict[str, Any] = {name: recorded[name] for name in _SAME_NAME if recorded.get(name) is not None}
    limit = _max_tokens_field(model.partition("/")[2])
    refuses_stop = no_stop_words.match(model.partition("/")[2]) is not None
    if recorded.get(limit) is not None:
        settings["max_tokens"] = recorded[limit]
    if recorded.get("stop") and not refuses_stop:
        settings["stop"] = recorded["stop"]
    if recorded.get("response_format") is not None:
        settings["response_format"] = recorded["response_format"]
    verbatim = Verbatim(systems=True)
    call = RecordedCall(
        model=model,
        messages=verbatim.messages("messages", recorded["messages"], _parse_messages),
        tools=verbatim.tools("tools", recorded.get("tools") or (), _parse_tools),
        stream=recorded.get("stream"),
        settings={**given, **settings},
    )
    known = {*settings.keys() - {"max_tokens"}, limit, "model", "messages", "stream", "tools"}
    known |= set() if refuses_stop else {"stop"}
    return call.with_rest({**_rest(recorded, known, limit), **verbatim.fields, **odd})


def _parse_messages(wire: Sequence[Any]) -> list[dict[str, Any]]:
    given = [message.given() for message in read_messages(wire)]
    check_same(given, wire, "messages")
    return given


def _parse_tools(wire: Sequence[Any]) -> list[dict[str, Any]]:
    given = [tool.given() for tool in in_order(read_tools(wire), hosted_tools(wire))]
    check_same(given, list(wire), "tools")
    return given


def _rest(recorded: Mapping[str, Any], known: set[str], limit: str) -> dict[str, Any]:
    """Return the fields that have no setting of ours, or a form that ours would not send."""
    rest = {name: value for name, value in recorded.items() if name not in known}
    for name in (limit, "stream", "tools", "stop", "response_format", *_SAME_NAME):
        if name in recorded and not recorded[name]:
            rest[name] = recorded[name]
    if isinstance(recorded.get("stop"), str):
        rest["stop"] = recorded["stop"]
    if recorded.get("stream") and "stream_options" not in recorded:
        rest["stream_options"] = OMIT
    if recorded.get("tools") and "tool_choice" not in recorded:
        rest["tool_choice"] = OMIT
    return rest


def _max_tokens_field(model: str) -> str:
    return "max_completion_tokens" if _REASONING.match(model) else "max_tokens"


def response_format(wanted: type[BaseModel] | Mapping[str, Any]) -> Any:
    """Return what asks for an answer that validates as `wanted`; a mapping is the provider's own form already."""
    if isinstance(wanted, Mapping):
        return wanted
    from harness.providers.openai.sdk import openai

    schema = openai.pydantic_function_tool(wanted)["function"]["parameters"]
    return {"type": "json_schema", "json_schema": {"name": wanted.__name__, "strict": True, "schema": schema}}
