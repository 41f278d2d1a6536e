"""The request body of Anthropic's Messages API: from our request to the wire, and back from a recorded one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from harness.llm.base import BaseLLM
from harness.llm.input.hosted import in_order
from harness.llm.input.reader import read_messages
from harness.llm.input.unsent_fields import Carried
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.anthropic.messages import wire_messages, wire_system, wire_tool
from harness.providers.anthropic.recorded import parse_messages, parse_system, parse_tools
from harness.providers.row import sdk_needed
from harness.providers.shared.calls.structured import (
    STRUCTURED,
    fits_native_form,
    thinking_of,
    thinks,
    wants_model,
    with_structured_tool,
)
from harness.providers.shared.calls.used_tools import used_tools
from harness.providers.shared.requests.recorded_request import STOPS, RecordedRequest, json_object
from harness.providers.shared.requests.wire_body import (
    described,
    filled,
    is_text,
    present,
    same_names,
    wire_settings,
    with_additional,
)
from harness.validation import answer_schema

#: The API wants a limit with every request; this one stands where the caller names none.
DEFAULT_MAX_TOKENS: Final = 4096
#: In `additional_params`: names of betas. They are no field of the body: the request goes to the beta endpoint.
BETAS: Final = "betas"
_SETTINGS: Final = same_names("temperature", "top_p", "thinking")
PATH: Final = "/v1/messages"
#: Text that an answer goes on from is the last message of its conversation, whether or not that says so.
CARRIED: Final = Carried(
    message=frozenset({"cache_control", "prefix"}),
    part=frozenset({"cache_control", "title", "context", "citations"}),
    tool=frozenset({"strict", "cache_control"}),
    added_to_parts=True,
    added_to_tools=True,
    without=frozenset({"seed", "n", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs"}),
)


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    by_tool = asks_by_tool(llm, request)
    tools = in_order(with_structured_tool(request), request.hosted_tools) if by_tool else request.all_tools()
    # That are not to be used, where the caller gives none.
    used = [] if tools or "tools" in llm.additional_params else used_tools(request.messages)
    system = wire_system(request.messages)
    fields = {
        "model": llm.model,
        "max_tokens": _default_limit(llm) if llm.max_tokens is None else llm.max_tokens,
        "messages": wire_messages(request.messages),
        **present(system=system, stream=request.stream),
        **wire_settings(llm, {**_SETTINGS, "top_k": "top_k"}),
        **present(thinking=thinking_of(llm)),
        **filled(
            # It refuses words of nothing but space; answers end at them here.
            stop_sequences=[word for word in request.stop or () if word.strip()],
            tools=_searched(getattr(llm, "tool_search", None) if tools else None, list(map(wire_tool, tools or used))),
            tool_choice=_choice(llm, request) if by_tool else {"type": "none"} if used else None,
            output_config=_output_config(llm, request, by_tool=by_tool),
        ),
    }
    body = with_additional(llm, fields, "output_config")
    body.pop(BETAS, None)
    return body


def _default_limit(llm: BaseLLM) -> int:
    """Return the limit where the caller names none: what is thought counts, and the API wants room beside it."""
    budget = llm.thinking.get("budget_tokens") if isinstance(llm.thinking, Mapping) else None
    return DEFAULT_MAX_TOKENS + (budget if isinstance(budget, int) and budget >= DEFAULT_MAX_TOKENS else 0)


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
    return wants_model(request) and not fits_native_form(llm.model, request)


def _choice(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    if thinks(llm):
        return {"type": "auto"}
    return {"type": "any"} if request.all_tools() else {"type": "tool", "name": STRUCTURED}


def _output_config(llm: BaseLLM, request: LLMRequest, *, by_tool: bool) -> dict[str, Any]:
    effort = present(effort=llm.reasoning_effort)
    if request.response_format is None or by_tool or is_text(request.response_format):
        return effort
    return {**effort, "format": _output_format(request.response_format)}


def _output_format(response_format: type[BaseModel] | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(response_format, Mapping):
        if "json_schema" not in response_format:
            return response_format
        return {"type": "json_schema", "schema": described(response_format)["schema"]}
    with sdk_needed("anthropic", "anthropic"):
        import anthropic

    return {"type": "json_schema", "schema": answer_schema(response_format, anthropic.transform_schema)}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    recorded = recorded_body(body)
    if url.endswith("?beta=true"):
        recorded.rest[BETAS] = []
        url = url.partition("?")[0]
    return recorded_call(recorded, f"anthropic/{recorded.model()}", recorded.base_url(url, PATH))


def recorded_body(body: bytes) -> RecordedRequest:
    kinds = {"system": str | list, "stop_sequences": STOPS, "thinking": dict}
    return RecordedRequest(json_object(body, ["messages"]), kinds)


def recorded_call(recorded: RecordedRequest, model: str, base_url: str, *, stream: bool | None = None) -> RecordedCall:
    """Return the call of a recorded body; `stream` where the URL tells whether it is streamed."""
    recorded.rest.setdefault("max_tokens", OMIT)
    settings = recorded.settings({**_SETTINGS, "max_tokens": "max_tokens", "stop": "stop_sequences"})
    if not all(word.strip() for word in settings.get("stop") or ()):
        recorded.rest["stop_sequences"] = settings["stop"]
    messages = [*recorded.system("system", parse_system), *recorded.messages("messages", parse_messages)]
    tools = recorded.tools(parse_tools)
    if not tools and used_tools(read_messages(messages)):
        # Refused, or by an API that takes it.
        recorded.rest.setdefault("tools", OMIT)
    return recorded.call(model, messages, tools, stream=stream, base_url=base_url, **settings)
