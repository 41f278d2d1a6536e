"""The request body of Anthropic's Messages API: from our request to the wire, and back from a recorded one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.input.hosted import in_order
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.anthropic.messages import wire_messages, wire_system, wire_tool
from harness.providers.anthropic.recorded import parse_messages, parse_system, parse_tools
from harness.providers.shared.calls.structured import STRUCTURED, has_native_form, wants_model, with_structured_tool
from harness.providers.shared.recorded.query import EXTRA_QUERY, parse_query
from harness.providers.shared.recorded.recorded_body import (
    ANY,
    FLAG,
    OBJECTS,
    STOPS,
    TEXT_OR_BLOCKS,
    fitting,
    json_object,
    named_model,
)
from harness.providers.shared.recorded.verbatim import Verbatim

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

#: The API wants a limit with every request; this one stands where the caller names none.
DEFAULT_MAX_TOKENS: Final = 4096
#: In `additional_params`: names of betas. They are no field of the body: the request goes to the beta endpoint.
BETAS: Final = "betas"
#: Our setting → its field on the wire, where both have one form.
_FIELDS: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "thinking": "thinking",
    "max_tokens": "max_tokens",
    "stop": "stop_sequences",
}
_PATH: Final = "/v1/messages"
#: What some fields of a recorded body are; those that are not are carried as they are.
_KINDS: Final = {"stream": FLAG, "system": TEXT_OR_BLOCKS, "tools": OBJECTS, "stop_sequences": STOPS}


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    """Return the JSON body of `request` with the settings of `llm`. Its `additional_params` win over all else.

    Raises:
        UsageError: a message or a tool has no form on this wire.
    """
    body: dict[str, Any] = {
        "model": llm.model,
        "max_tokens": DEFAULT_MAX_TOKENS if llm.max_tokens is None else llm.max_tokens,
        "messages": wire_messages(request.messages),
    }
    system = wire_system(request.messages)
    if system is not None:
        body["system"] = system
    if request.stream is not None:
        body["stream"] = request.stream
    for name in ("temperature", "top_p", "thinking"):
        if (value := getattr(llm, name)) is not None:
            body[_FIELDS[name]] = value
    if llm.top_k is not None:
        body["top_k"] = llm.top_k
    if request.stop:
        body["stop_sequences"] = request.stop
    by_tool = asks_by_tool(llm, request)
    if tools := in_order(with_structured_tool(request), request.hosted_tools) if by_tool else request.all_tools():
        body["tools"] = _searched(getattr(llm, "tool_search", None), list(map(wire_tool, tools)))
    if by_tool:
        body["tool_choice"] = _choice(llm, request)
    output = _output_config(llm, request, by_tool=by_tool)
    if output:
        body["output_config"] = output
    body |= {name: value for name, value in llm.additional_params.items() if name not in (BETAS, EXTRA_QUERY)}
    return {name: value for name, value in body.items() if value is not OMIT}


def _searched(search: Any, tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools with the one that searches them, where that was asked for: the functions wait to be found."""
    if not search:
        return tools
    kind = search if isinstance(search, str) else "bm25"
    found = {"type": f"tool_search_tool_{kind}_20251119", "name": f"tool_search_tool_{kind}"}
    waiting = [
        {**tool, "defer_loading": True} if "input_schema" in tool and tool["name"] != STRUCTURED else tool
        for tool in tools
    ]
    return [dict(search) if isinstance(search, Mapping) else found, *waiting]


def asks_by_tool(llm: BaseLLM, request: LLMRequest) -> bool:
    """Whether a structured answer is asked for by a tool: models before Claude 4.5 have no other form of it."""
    return wants_model(request) and not has_native_form(llm.model)


def _choice(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    # A model that thinks can't be made to call a tool.
    if isinstance(llm.thinking, Mapping) and llm.thinking.get("type") != "disabled":
        return {"type": "auto"}
    return {"type": "any"} if request.all_tools() else {"type": "tool", "name": STRUCTURED}


def _output_config(llm: BaseLLM, request: LLMRequest, *, by_tool: bool) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if llm.reasoning_effort is not None:
        config["effort"] = llm.reasoning_effort
    if request.response_format is not None and not by_tool:
        config["format"] = _output_format(request.response_format)
    return config


def _output_format(wanted: type[BaseModel] | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(wanted, Mapping):
        # The OpenAI-like form keeps the schema one level deeper.
        deeper = wanted.get("json_schema")
        return {"type": "json_schema", "schema": deeper["schema"]} if isinstance(deeper, Mapping) else wanted
    from harness.providers.anthropic.sdk import anthropic

    return {"type": "json_schema", "schema": anthropic.transform_schema(wanted)}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call that made a recorded request: made again, it goes to the same URL with the same JSON.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    recorded, odd = fitting(json_object(body, {"messages": ANY}), _KINDS)
    model, unnamed = named_model(recorded)
    # An empty value says something that our settings, being unset, would not say.
    present = {name for name, value in recorded.items() if value not in (None, [], "")}
    settings: dict[str, Any] = {ours: recorded[wire] for ours, wire in _FIELDS.items() if wire in present}
    base, _, query = url.partition("?")
    settings["base_url"] = base.removesuffix(_PATH)
    verbatim = Verbatim()
    messages = [_parse_system(recorded["system"], verbatim)] if "system" in present else []
    messages += verbatim.messages("messages", recorded["messages"], parse_messages)
    tools = verbatim.tools("tools", recorded.get("tools") or (), parse_tools)
    known = {"model", "messages"} | (present & {"stream", "system", "tools", *_FIELDS.values()})
    rest = {name: value for name, value in recorded.items() if name not in known}
    if "max_tokens" not in recorded:
        rest["max_tokens"] = OMIT
    if query == "beta=true":
        rest[BETAS] = []
    elif query:
        rest[EXTRA_QUERY] = parse_query(query)
    return RecordedCall(
        model=f"anthropic/{model}",
        messages=messages,
        tools=tools,
        stream=recorded.get("stream"),
        settings=settings,
    ).with_rest({**rest, **verbatim.fields, **unnamed, **odd})


def _parse_system(system: Any, verbatim: Verbatim) -> dict[str, Any]:
    try:
        return parse_system(system)
    except UsageError:
        verbatim.fields["system"] = system
        return {"role": "system", "content": ""}
