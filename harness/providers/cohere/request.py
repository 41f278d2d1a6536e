"""The request body of Cohere's chat API, version 1: from our request to the wire, and back from a recorded one.

Source: https://docs.cohere.com/v1/reference/chat (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from harness.llm.recorded import RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.cohere.messages import conversation, wire_tool
from harness.providers.shared.requests.answer_format import described
from harness.providers.shared.requests.recorded_request import RecordedRequest, body_fields, json_object
from harness.providers.shared.requests.wire_body import (
    filled,
    present,
    refuse_settings,
    same_names,
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


def is_call(url: str, body: bytes | None) -> bool:
    """Whether a request is of this API; `body` is None where it is not known. Others have paths of that name, too."""
    return _OWN_HOST.match(url) is not None or isinstance(body_fields(body).get("message"), str)


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    refuse_settings(llm, _UNKNOWN, "cohere-v1")
    tools = [] if "tools" in llm.additional_params else [wire_tool(tool) for tool in request.tools]
    answer_format = request.response_format
    body = {
        "model": llm.model,
        **conversation(request.messages),
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
