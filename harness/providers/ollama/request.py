"""The request body of Ollama's own chat API: from our request to the wire, and back from a recorded one.

Source: https://docs.ollama.com/api/chat (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.input.messages import read_messages
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.ollama.messages import common_messages, wire_messages
from harness.providers.shared.recorded.query import EXTRA_QUERY, parse_query
from harness.providers.shared.recorded.recorded_body import ANY, FLAG, OBJECTS, fitting, json_object, named_model
from harness.providers.shared.recorded.verbatim import Verbatim, check_same, parse_tools

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

PATH: Final = "/api/chat"
#: Our setting → its name among the options.
_OPTIONS: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "num_predict",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}


def asks_for_an_answer(url: str, body: bytes | None) -> bool:
    """Whether a request is of this API and asks for an answer; `body` is None where it is not known.

    Applications have paths of that name, too, and name no model; without messages a model is loaded and says nothing.
    """
    if body is None:
        return True
    try:
        fields = json.loads(body)
    except ValueError:
        return False
    return isinstance(fields, dict) and isinstance(fields.get("model"), str) and bool(fields.get("messages"))


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    """Return the JSON body of `request` with the settings of `llm`. Its `additional_params` win over all else.

    Raises:
        UsageError: a message or a setting has no form there.
    """
    if llm.n is not None:
        raise UsageError("ollama: n can't be sent; a call has one answer. Leave it out")
    # Where nothing is said, it streams.
    body: dict[str, Any] = {
        "model": llm.model,
        "messages": wire_messages(request.messages),
        "stream": bool(request.stream),
    }
    for name in ("logprobs", "top_logprobs"):
        if (value := getattr(llm, name)) is not None:
            body[name] = value
    if (think := _think(llm)) is not None:
        body["think"] = think
    if request.tools:
        body["tools"] = [tool.given() for tool in request.tools]
    if request.response_format is not None:
        body["format"] = _format(request.response_format)
    options = {wire: value for ours, wire in _OPTIONS.items() if (value := getattr(llm, ours)) is not None}
    if request.stop:
        options["stop"] = request.stop
    given = llm.additional_params
    own = given.get("options")
    if options:
        body["options"] = options
    body |= given
    if options and isinstance(own, Mapping):
        body["options"] = {**options, **own}
    return {name: value for name, value in body.items() if value is not OMIT and name != EXTRA_QUERY}


def _think(llm: BaseLLM) -> Any:
    wanted = llm.reasoning_effort if llm.thinking is None else llm.thinking
    if wanted is None or isinstance(wanted, bool | str):
        return wanted
    raise UsageError(f"ollama: thinking is true, false or one of its levels, such as 'high', not {wanted!r}")


def _format(wanted: type[BaseModel] | Mapping[str, Any]) -> Any:
    """Return the JSON Schema that an answer is to fit, or `json`; a mapping may be in OpenAI's form."""
    if not isinstance(wanted, Mapping):
        return wanted.model_json_schema()
    if wanted.get("type") == "json_object":
        return "json"
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"]["schema"]
    return wanted


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call that made a recorded request: made again, it goes to the same URL with the same JSON.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    recorded, odd = fitting(json_object(body, {"messages": ANY}), {"stream": FLAG, "tools": OBJECTS})
    base_url, _, query = url.partition("?")
    model, unnamed = named_model(recorded)
    stream = recorded.pop("stream", None)
    verbatim = Verbatim(systems=True)
    messages = verbatim.messages("messages", recorded.pop("messages"), _parse_messages)
    tools = verbatim.tools("tools", recorded.get("tools") or (), parse_tools)
    if recorded.get("tools"):
        del recorded["tools"]
    recorded.pop("model", None)
    rest = {**recorded, **verbatim.fields, **odd, **unnamed}
    if stream is None and "stream" not in odd:
        rest["stream"] = json.loads(body).get("stream", OMIT)
    if query:
        rest[EXTRA_QUERY] = parse_query(query)
    return RecordedCall(
        model=f"ollama-api/{model}",
        messages=messages,
        tools=tools,
        stream=stream is not False,
        settings={"base_url": base_url.removesuffix(PATH)},
    ).with_rest(rest)


def _parse_messages(wire: Sequence[Any]) -> list[dict[str, Any]]:
    found = common_messages(wire)
    check_same(wire_messages(read_messages(found)), list(wire), "messages")
    return found
