"""The request body of Cohere's chat API, version 1: from our request to the wire, and back from a recorded one.

Source: https://docs.cohere.com/v1/reference/chat (2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.cohere.messages import conversation, wire_tool
from harness.providers.shared.recorded.query import EXTRA_QUERY, parse_query
from harness.providers.shared.recorded.recorded_body import FLAG, Kind, fitting, json_object, named_model

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

PATH: Final = "/v1/chat"
_OWN_HOST: Final = re.compile(r"https?://[^/]*\.cohere\.(?:com|ai)/")
#: Our setting → its field on the wire.
FIELDS: Final = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "top_p": "p",
    "top_k": "k",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
#: Settings that it has nothing like.
_UNKNOWN: Final = ("n", "reasoning_effort", "thinking", "logprobs", "top_logprobs")
_TEXT: Final = Kind("a text", lambda value: isinstance(value, str))


def asks_for_an_answer(url: str, body: bytes | None) -> bool:
    """Whether a request is of this API; `body` is None where it is not known. Others have paths of that name, too."""
    if _OWN_HOST.match(url):
        return True
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        return False
    return isinstance(fields, dict) and isinstance(fields.get("message"), str)


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    """Return the JSON body of `request` with the settings of `llm`. Its `additional_params` win over all else.

    Raises:
        UsageError: a message, a tool or a setting has no form there.
    """
    for name in _UNKNOWN:
        if getattr(llm, name) is not None:
            raise UsageError(f"cohere-v1: {name} can't be sent; leave it out")
    body: dict[str, Any] = {"model": llm.model, **conversation(request.messages)}
    if request.stream is not None:
        body["stream"] = request.stream
    body |= {wire: value for ours, wire in FIELDS.items() if (value := getattr(llm, ours)) is not None}
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.tools and "tools" not in llm.additional_params:
        body["tools"] = [wire_tool(tool) for tool in request.tools]
    if request.response_format is not None:
        body["response_format"] = _format(request.response_format)
    body |= llm.additional_params
    return {name: value for name, value in body.items() if value is not OMIT and name != EXTRA_QUERY}


def _format(wanted: type[BaseModel] | Mapping[str, Any]) -> Any:
    if not isinstance(wanted, Mapping):
        return {"type": "json_object", "schema": wanted.model_json_schema()}
    if wanted.get("type") == "json_schema":
        return {"type": "json_object", "schema": wanted["json_schema"]["schema"]}
    return wanted


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call that made a recorded request: made again, it goes to the same URL with the same JSON.

    What was said before, and how tools are defined, is carried as it is.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    recorded, odd = fitting(json_object(body, {"message": _TEXT}), {"stream": FLAG})
    base_url, _, query = url.partition("?")
    model, unnamed = named_model(recorded)
    taken = ("model", "message", *(() if recorded.get("stream") is None else ("stream",)))
    rest = {name: value for name, value in recorded.items() if name not in taken}
    return RecordedCall(
        model=f"cohere-v1/{model}",
        messages=[{"role": "user", "content": recorded["message"]}],
        tools=_parse_tools(recorded.get("tools") or ()),
        stream=recorded.get("stream"),
        settings={"base_url": base_url.removesuffix(PATH)},
    ).with_rest({**rest, **odd, **unnamed, **({EXTRA_QUERY: parse_query(query)} if query else {})})


def _parse_tools(wire: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the names of tools, in our form."""
    return [{"type": "function", "function": {"name": tool["name"], "parameters": {"type": "object"}}} for tool in wire]
