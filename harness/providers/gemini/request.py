"""The request body of Gemini's generateContent: from our request to the wire, and back from a recorded one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.recorded import RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.gemini.messages import JSON_SCHEMA, Signatures, wire_contents, wire_system, wire_tools
from harness.providers.gemini.recorded import parse_contents, parse_system, parse_tools
from harness.providers.shared.requests.recorded_request import STOPS, UNREADABLE, RecordedRequest, json_object
from harness.providers.shared.requests.wire_body import (
    described,
    filled,
    is_text,
    present,
    wire_settings,
    with_additional,
)
from harness.validation import answer_schema

#: In `additional_params`: the field that takes the JSON Schema of a tool, `parametersJsonSchema` where none is named.
SCHEMA_FIELD: Final = "schema_field"
_CONFIG: Final = "generationConfig"
#: Our setting → its field of the generation config, where both have one form.
_FIELDS: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "n": "candidateCount",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
    "thinking": "thinkingConfig",
}
#: The fields that say what form the answer must have.
_FORMAT: Final = ("responseMimeType", "responseJsonSchema", "responseSchema")
#: Efforts as tokens, for models that know no levels (https://ai.google.dev/gemini-api/docs/openai#thinking, 2026-11).
_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
_URL: Final = re.compile(
    r"(?P<base>.*)/(?P<version>v\d\w*)/(?:projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/)?"
    r"(?P<google>publishers/google/)?(?:models/)?"
    r"(?P<model>(?:tunedModels/|endpoints/|publishers/[^/]+/models/)?[^/:]+)"
    r":(?P<stream>streamG|g)enerateContent"
)
#: What models are named by that are none of Google's own.
NAMED_RESOURCES: Final = ("tunedModels/", "endpoints/", "publishers/")


def wire_body(llm: BaseLLM, request: LLMRequest, signatures: Signatures, safety_settings: Any = None) -> dict[str, Any]:
    """Return the JSON body of `request`; of `additional_params` those for `generationConfig` win field by field.

    `safety_settings` is category → threshold, or a list of `{category, threshold}`.
    """
    system, config, additional = wire_system(request.messages), _config(llm, request), llm.additional_params
    schema_field = additional.get(SCHEMA_FIELD, JSON_SCHEMA)
    fields = {
        "contents": wire_contents(request.messages, signatures),
        **present(systemInstruction=system),
        **filled(
            tools=wire_tools(request.all_tools(), schema_field),
            safetySettings=_safety(safety_settings),
            generationConfig=config,
        ),
    }
    body = with_additional(llm, fields, _CONFIG)
    body.pop(SCHEMA_FIELD, None)
    return body


def _safety(settings: Any) -> list[dict[str, Any]]:
    """Return safety settings as the wire has them: from category → threshold, or a list of both, or of the SDK's own."""
    if isinstance(settings, Mapping):
        return [{"category": category, "threshold": threshold} for category, threshold in settings.items()]
    return [dict(_dumped(setting)) for setting in settings or ()]


def _dumped(value: Any) -> Any:
    """Return a value of the SDK's own as the wire has it, and any other as it is."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value


def _config(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    config = {name: _dumped(value) for name, value in wire_settings(llm, _FIELDS).items()}
    config |= filled(stopSequences=request.stop)
    if isinstance(llm.thinking, bool):
        config["thinkingConfig"] = {"includeThoughts": llm.thinking}
    if llm.reasoning_effort is not None:
        config["thinkingConfig"] = {**_effort(llm.model, llm.reasoning_effort), **config.get("thinkingConfig", {})}
    if request.response_format is not None:
        config |= _format(request.response_format)
    return config


def _effort(model: str, effort: str) -> dict[str, Any]:
    if "gemini-2.5" in model and effort in _BUDGETS:
        return {"thinkingBudget": _BUDGETS[effort]}
    return {"thinkingLevel": effort}


def _format(response_format: type[BaseModel] | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(response_format, Mapping):
        return {"responseMimeType": "application/json", "responseJsonSchema": answer_schema(response_format)}
    if "type" not in response_format:
        return response_format
    if is_text(response_format):
        return {"responseMimeType": "text/plain"}
    # Of OpenAI's forms this one needs no schema.
    schemaless = response_format["type"] == "json_object" and not response_format.keys() & {"json_schema", "schema"}
    schema = {} if schemaless else {"responseJsonSchema": described(response_format)["schema"]}
    return {"responseMimeType": "application/json", **schema}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    recorded = RecordedRequest(json_object(body, ["contents"]), {"systemInstruction": dict})
    base, _, query = url.partition("?")
    found = _URL.fullmatch(base)
    if found is None:
        raise UsageError(f"the path of the recorded request can't be rebuilt: {base}")
    streams = found["stream"] != "g"
    settings: dict[str, Any] = {"base_url": found["base"], "api_version": found["version"]}
    # Whatever the environment says now.
    settings |= {"project": found["project"] or "", **present(location=found["location"])}
    messages = [*recorded.system("systemInstruction", parse_system), *recorded.messages("contents", parse_contents)]
    rest = recorded.rest
    if query != ("alt=sse" if streams else ""):
        recorded.carry_query(query)
    tools = _take_tools(recorded)
    if isinstance(rest.get(_CONFIG), Mapping):
        configured, rest[_CONFIG] = _parse_config(rest[_CONFIG])
        settings |= configured
        if configured and not rest[_CONFIG]:
            del rest[_CONFIG]
    on_vertex = found["google"] or found["project"] or found["model"].startswith("publishers/")
    provider = "vertex_ai" if on_vertex else "gemini"
    if not on_vertex:
        settings["use_vertexai"] = False
    return recorded.call(f"{provider}/{found['model']}", messages, tools, stream=streams, **settings)


def _take_tools(recorded: RecordedRequest) -> list[dict[str, Any]]:
    wire = recorded.take("tools") or []
    try:
        tools, schema_field = parse_tools(wire)
    except UNREADABLE:
        recorded.rest["tools"] = wire
        return []
    if schema_field != JSON_SCHEMA:
        recorded.rest[SCHEMA_FIELD] = schema_field
    return tools


def _parse_config(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings that a recorded generation config stands for, and the fields that none does."""
    inner = RecordedRequest(config, {"stopSequences": STOPS})
    settings = inner.settings({**_FIELDS, "stop": "stopSequences"})
    if formats := {name: inner.rest.pop(name) for name in _FORMAT if name in inner.rest}:
        settings["response_format"] = formats
    return settings, inner.rest
