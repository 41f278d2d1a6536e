"""The request of Bedrock Converse: from ours to what boto3 takes, and back from a recorded one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.input.reader import read_messages
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.bedrock.extra_body import EXTRA_BODY
from harness.providers.bedrock.messages import sdk_messages, sdk_system, sdk_tools
from harness.providers.bedrock.recorded import parse_messages, parse_system, parse_tools
from harness.providers.shared.calls.structured import (
    STRUCTURED,
    fits_native_form,
    thinking_of,
    thinks,
    wants_model,
    with_structured_tool,
)
from harness.providers.shared.calls.used_tools import used_tools
from harness.providers.shared.requests.recorded_request import RecordedRequest, json_object, picked
from harness.providers.shared.requests.wire_body import (
    as_json,
    described,
    filled,
    is_text,
    present,
    wire_settings,
    with_fields,
)
from harness.validation import answer_schema

#: In `additional_params`: what chooses among the tools. It is no field of the request: it goes with the tools.
TOOL_CHOICE: Final = "toolChoice"
#: Models that can be made to call a tool, and what may stand for one of them
#: (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html, 2026-11).
_MADE_TO_CALL: Final = re.compile(
    r"claude|nova|:(?:application-inference-profile|provisioned-model|custom-model-deployment)/"
)
#: The arguments of Converse. What else is given is a field of the model's own.
_OF_CONVERSE: Final = frozenset(
    {"modelId", "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "promptVariables", EXTRA_BODY}
    | {"additionalModelRequestFields", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig"}
    | {"serviceTier", "outputConfig", "projectIdentifier"}
)
#: Those that settings fill.
_SHARED: Final = ("inferenceConfig", "additionalModelRequestFields", "outputConfig")
#: Our setting → its field in `inferenceConfig`.
_INFERENCE: Final = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP", "stop": "stopSequences"}
#: Where Nova models have it, with the effort (https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html,
#: 2026-11).
_OF_NOVA: Final = "reasoningConfig"
_URL: Final = re.compile(r"(?P<base>.*)/model/(?P<model>[^/]+)/(?P<operation>[^/?]+)(?P<query>\?.*)?")
#: The operations, and whether what they answer is streamed.
_STREAMS: Final = {"converse": False, "converse-stream": True}


def sdk_arguments(llm: BaseLLM, request: LLMRequest, *, converse: bool = True) -> dict[str, Any]:
    """Return the arguments of `converse` and `converse_stream` (see `shared.requests.wire_body`).

    Of `additional_params`, those that Converse does not have are fields of the model's own. Where it is not Converse
    that is asked, these are fields as any.
    """
    inference = wire_settings(llm, {name: field for name, field in _INFERENCE.items() if name != "stop"})
    additional = dict(llm.additional_params)
    choice = additional.pop(TOOL_CHOICE, None)
    by_tool = asks_by_tool(llm, request)
    functions = with_structured_tool(request) if by_tool else request.tools or used_tools(request.messages)
    if by_tool and choice is None:
        choice = _choice(llm, request)
    effort, of_claude = llm.reasoning_effort, "claude" in llm.model
    fields = {**_reasoning(llm), **_top_k(llm)}
    if converse:
        fields |= {name: additional.pop(name) for name in [*additional] if name not in _OF_CONVERSE}
    response_format = None if by_tool or is_text(request.response_format) else request.response_format
    arguments = {
        "modelId": llm.model,
        "messages": sdk_messages(request.messages),
        **filled(
            system=sdk_system(request.messages),
            inferenceConfig={**inference, **filled(stopSequences=request.stop)},
            toolConfig={"tools": sdk_tools(functions), **present(toolChoice=choice)} if functions else None,
            additionalModelRequestFields=fields if converse else None,
            outputConfig={
                **present(effort=effort if of_claude else None),
                **({} if response_format is None else _output_config(response_format)),
            },
        ),
    }
    if not converse:
        arguments = with_fields(arguments, fields, _SHARED)
    return with_fields(arguments, additional, _SHARED)


def asks_by_tool(llm: BaseLLM, request: LLMRequest) -> bool:
    """Whether a structured answer is asked for by a tool: of the models there, the newer of Claude's have a form of it."""
    return wants_model(request) and not ("claude" in llm.model and fits_native_form(llm.model, request))


def _choice(llm: BaseLLM, request: LLMRequest) -> dict[str, Any] | None:
    """Return what makes the model answer by a tool; None where it refuses to be made to, and is only given that tool."""
    if thinks(llm) or not _MADE_TO_CALL.search(llm.model):
        return None
    return {"any": {}} if request.tools else {"tool": {"name": STRUCTURED}}


def _reasoning(llm: BaseLLM) -> dict[str, Any]:
    """Return how a model is to reason, in its own fields; the effort of Claude is none of these."""
    effort, thinking = llm.reasoning_effort, llm.thinking
    if "claude" in llm.model:
        effort, thinking = None, thinking_of(llm)
    elif _thinking_field(llm.model) == _OF_NOVA:
        effort, thinking = None, _reasoning_of_nova(thinking, effort)
    return present(**{_thinking_field(llm.model): thinking, "reasoning_effort": effort})


def _reasoning_of_nova(thinking: Any, effort: str | None) -> Mapping[str, Any] | None:
    if thinking is None and effort is None:
        return None
    is_off = thinking is False or effort == "none"
    own = thinking if isinstance(thinking, Mapping) else {"type": "disabled" if is_off else "enabled"}
    return own if is_off or effort is None else {"maxReasoningEffort": effort, **own}


def _thinking_field(model: str) -> str:
    return _OF_NOVA if "nova" in model else "thinking"


def _top_k(llm: BaseLLM) -> dict[str, Any]:
    if llm.top_k is None:
        return {}
    return {"inferenceConfig": {"topK": llm.top_k}} if "nova" in llm.model else {"top_k": llm.top_k}


def _output_config(response_format: type[BaseModel] | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(response_format, Mapping):
        if "textFormat" in response_format:
            return response_format
        part = described(response_format)
    else:
        part = {"name": response_format.__name__, "schema": _closed(answer_schema(response_format))}
    schema = {"schema": as_json(part["schema"], "bedrock").decode(), **picked(part, name="name")}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _closed(schema: Any) -> Any:
    """Return a schema whose objects have no other properties, as structured output wants them."""
    if isinstance(schema, list):
        return [_closed(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(member) for name, member in schema.items()}
    return {**closed, "additionalProperties": False} if closed.get("type") == "object" else closed


#: What some fields of a recorded body are; those that are not are carried as they are.
_KINDS: Final = {
    "system": list[dict[str, Any]],
    **dict.fromkeys(("inferenceConfig", "additionalModelRequestFields", "toolConfig"), dict),
}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    found = _URL.fullmatch(url)
    if found is None or found["operation"] not in _STREAMS or found["query"]:
        raise UsageError(f"{url}: only requests of Converse and ConverseStream can be rebuilt")
    recorded = RecordedRequest(json_object(body), _KINDS)
    additional: dict[str, Any] = {}
    if "messages" in recorded.rest:
        messages = recorded.messages("messages", parse_messages)
    elif "promptVariables" in recorded.rest:
        # The prompt that the provider keeps is the conversation.
        messages, additional["messages"] = recorded.spoken([], "messages"), OMIT
    else:
        raise UsageError("the recorded request has no 'messages'")
    system, tools = recorded.system("system", parse_system), _take_tools(recorded)
    settings = {"base_url": found["base"], **_take_inference(recorded), **_take_thinking(recorded, found["model"])}
    if not tools and used_tools(read_messages(messages)):
        # Refused, or by a host that takes it.
        additional["toolConfig"] = OMIT
    if TOOL_CHOICE in recorded.rest:
        additional[TOOL_CHOICE] = recorded.rest.pop(TOOL_CHOICE)
    if recorded.rest:
        # Not for boto3 to look at: it takes what it knows, and nothing else.
        additional[EXTRA_BODY] = recorded.rest
    model, stream = f"bedrock/{unquote(found['model'])}", _STREAMS[found["operation"]]
    return RecordedCall(model, [*system, *messages], tools, stream, settings).with_rest(additional)


def _take_inference(recorded: RecordedRequest) -> dict[str, Any]:
    """Take `inferenceConfig` where settings of ours say the same."""
    config = recorded.take("inferenceConfig") or {}
    inner = RecordedRequest(config)
    ours = inner.settings(_INFERENCE)
    if inner.rest:
        recorded.rest["inferenceConfig"] = config
        return {}
    return ours


def _take_thinking(recorded: RecordedRequest, model: str) -> dict[str, Any]:
    fields, name = recorded.take("additionalModelRequestFields") or {}, _thinking_field(model)
    if fields.keys() == {name} and isinstance(fields[name], Mapping):
        return {"thinking": fields[name]}
    if fields:
        recorded.rest["additionalModelRequestFields"] = fields
    return {}


def _take_tools(recorded: RecordedRequest) -> list[dict[str, Any]]:
    """Take `toolConfig`; what chooses among the tools is left apart."""
    config = recorded.take("toolConfig") or {}
    inner = RecordedRequest(config)
    tools = inner.tools(parse_tools)
    if config and (inner.rest.keys() - {TOOL_CHOICE} or not tools):
        recorded.rest["toolConfig"] = config
    elif TOOL_CHOICE in config:
        recorded.rest[TOOL_CHOICE] = config[TOOL_CHOICE]
    return tools
