"""The body of InvokeModel: from our request to the model's own form, and back from a recorded one."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, Literal
from urllib.parse import unquote

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.input.own_block import json_value
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.anthropic import request as anthropic_request
from harness.providers.bedrock import request as bedrock_request
from harness.providers.cohere import request as cohere_request
from harness.providers.openai import request as chat_request
from harness.providers.shared.requests.recorded_request import RecordedRequest, json_object
from harness.providers.shared.requests.turns import sole_text
from harness.providers.shared.requests.wire_body import as_json, filled

#: Whose form a body has; `prompt` is any that takes one text, whatever its field is called.
Family = Literal["anthropic", "nova", "cohere", "chat", "prompt"]

#: In `additional_params`: `OMIT` asks without a body.
BODY: Final = "body"
_VERSION: Final = "anthropic_version"
_URL: Final = re.compile(r"(?P<base>.*)/model/(?P<model>[^/]+)/invoke(?P<stream>-with-response-stream)?")
#: Models that take a prompt: the older ones, and those that the caller has brought. All others have the form of chat completions.
_PROMPTED: Final = re.compile(r"titan|llama|mistral-[78]|mixtral|mistral-small|command|j2-|deepseek\.r1|^arn:")
#: Where a body says what it asks for, in whichever form.
_PROMPT_FIELDS: Final = ("prompt", "inputText")
_OUTSIDE: Final = ("model", "stream", "stream_options")
_SETTINGS: Final = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "thinking",
    "reasoning_effort",
    "response_format",
)


def family(llm: BaseLLM) -> Family:
    """Return whose form the bodies of a model have: its name tells, or else what the caller puts into them."""
    return _family(llm.model, llm.additional_params)


def _family(model: str, fields: Collection[str]) -> Family:
    if (_VERSION in fields or "anthropic" in model) and "prompt" not in fields:
        return "anthropic"
    if "schemaVersion" in fields or "inferenceConfig" in fields or "nova" in model:
        return "nova"
    if "messages" in fields:
        return "chat"
    if any(field in fields for field in _PROMPT_FIELDS):
        return "prompt"
    if "command-r" in model or "message" in fields:
        return "cohere"
    return "prompt" if _PROMPTED.search(model) else "chat"


def wire_body(llm: BaseLLM, request: LLMRequest) -> bytes | None:
    additional = llm.additional_params
    if additional.get(BODY) is OMIT:
        return None
    match family(llm):
        case "anthropic":
            # There is no header for betas here.
            betas = filled(anthropic_beta=additional.get(anthropic_request.BETAS))
            body = {_VERSION: "bedrock-2023-05-31", **betas, **anthropic_request.wire_body(llm, request)}
            # AWS tells of the choices any, auto and tool alone; each of the models takes tools without a choice.
            if body.get("tool_choice") == {"type": "none"} and "tool_choice" not in additional:
                del body["tool_choice"]
        case "nova":
            body = json_value(bedrock_request.sdk_arguments(llm, request, converse=False))
            del body["modelId"]
        case "cohere":
            body = cohere_request.wire_body(llm, request)
        case "chat":
            body = chat_request.wire_body(llm, request)
        case "prompt":
            body = {**_prompted(llm, request), **additional}
    # The URL says these.
    body = {name: value for name, value in body.items() if name not in _OUTSIDE or name in additional}
    present = {name: value for name, value in body.items() if additional.get(name) is not OMIT}
    return as_json(present, llm.provider)


def asks_by_tool(llm: BaseLLM, request: LLMRequest) -> bool:
    """Whether a structured answer is asked for by a tool, as the maker's own form has it."""
    match family(llm):
        case "anthropic":
            return anthropic_request.asks_by_tool(llm, request)
        case "nova":
            return bedrock_request.asks_by_tool(llm, request)
        case "cohere" | "chat" | "prompt":
            return False


def _prompted(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    if any(name in llm.additional_params for name in _PROMPT_FIELDS):
        return {}
    text = sole_text(request.messages)
    if text is None or request.all_tools():
        raise UsageError(f"{llm.model} takes one text here, and neither a conversation nor tools; use bedrock/…")
    for name in _SETTINGS:
        if getattr(llm, name) not in (None, []):
            raise UsageError(f"{llm.model} has words of its own for {name!r}: give them as additional_params")
    return {"inputText" if "titan" in llm.model else "prompt": text}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    found = _URL.fullmatch(url)
    if found is None:
        raise UsageError(f"{url.partition('?')[0]}: the query of this URL can't be rebuilt")
    model, stream = unquote(found["model"]), found["stream"] is not None
    name, settings = f"bedrock-invoke/{model}", {"base_url": found["base"]}
    if not body.strip():
        call = RecordedCall(name, [{"role": "user", "content": ""}], stream=stream, settings=settings)
        return call.with_rest({BODY: OMIT})
    recorded = json_object(body)
    if _family(model, recorded) == "anthropic" and recorded.get("messages"):
        of_anthropic = anthropic_request.recorded_body(body)
        of_anthropic.rest.setdefault(_VERSION, OMIT)
        return anthropic_request.recorded_call(of_anthropic, name, found["base"], stream=stream)
    conversation = recorded.get("messages")
    prompted = [{"content": next((recorded[field] for field in (*_PROMPT_FIELDS, "message") if field in recorded), "")}]
    spoken = conversation if isinstance(conversation, list) else prompted
    messages = RecordedRequest(recorded, systems=True).spoken(spoken, "messages")
    return RecordedCall(name, messages, stream=stream, settings=settings).with_rest(recorded)
