"""The request of Bedrock Converse: from ours to what boto3 takes, and back from a recorded one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pydantic import BaseModel, TypeAdapter

from harness.errors import UsageError
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.bedrock.extra_body import EXTRA_BODY
from harness.providers.bedrock.messages import sdk_messages, sdk_system, sdk_tools
from harness.providers.bedrock.recorded import parse_messages, parse_system, parse_tools
from harness.providers.shared.calls.structured import STRUCTURED, has_native_form, wants_model, with_structured_tool
from harness.providers.shared.recorded.recorded_body import OBJECT, OBJECTS, fitting, json_object
from harness.providers.shared.recorded.verbatim import OF_ANOTHER_SHAPE, Verbatim

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

#: In `additional_params`: what chooses among the tools. It is no field of the request: it goes with the tools.
TOOL_CHOICE: Final = "toolChoice"
#: The arguments of Converse. What else is given is a field of the model's own.
_OF_CONVERSE: Final = frozenset(
    {
        "modelId",
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "guardrailConfig",
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "promptVariables",
        "requestMetadata",
        "performanceConfig",
        "serviceTier",
        "outputConfig",
        EXTRA_BODY,
    }
)
#: Our setting → its field in `inferenceConfig`.
_INFERENCE: Final = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP", "stop": "stopSequences"}
_URL: Final = re.compile(r"(?P<base>.*)/model/(?P<model>[^/]+)/(?P<operation>[^/?]+)(?P<query>\?.*)?")
#: The operations, and whether what they answer is streamed.
_STREAMS: Final = {"converse": False, "converse-stream": True}


def sdk_arguments(llm: BaseLLM, request: LLMRequest, *, converse: bool = True) -> dict[str, Any]:
    """Return the arguments of `converse` and `converse_stream`. Its `additional_params` win over all else.

    Those of them that Converse does not have are fields of the model's own. Where it is not Converse that is asked, they
    stay where they are.

    Raises:
        UsageError: a message or a tool has no form there.
    """
    arguments: dict[str, Any] = {"modelId": llm.model, "messages": sdk_messages(request.messages)}
    system = sdk_system(request.messages)
    if system:
        arguments["system"] = system
    given = {"max_tokens": llm.max_tokens, "temperature": llm.temperature, "top_p": llm.top_p, "stop": request.stop}
    inference = {_INFERENCE[name]: value for name, value in given.items() if value is not None and value != []}
    if inference:
        arguments["inferenceConfig"] = inference
    additional = dict(llm.additional_params)
    choice = additional.pop(TOOL_CHOICE, None)
    by_tool = asks_by_tool(llm, request)
    functions = with_structured_tool(request) if by_tool else request.tools
    if by_tool and choice is None:
        choice = {"any": {}} if request.tools else {"tool": {"name": STRUCTURED}}
    if functions:
        tools = {"tools": sdk_tools(functions)}
        arguments["toolConfig"] = tools if choice is None else {**tools, TOOL_CHOICE: choice}
    # The models' own fields, such as those of Anthropic's and OpenAI's models.
    own = {"thinking": llm.thinking, "reasoning_effort": llm.reasoning_effort, **_top_k(llm)}
    fields = {name: value for name, value in own.items() if value is not None}
    if converse:
        fields |= {name: additional.pop(name) for name in [*additional] if name not in _OF_CONVERSE}
    if fields:
        arguments["additionalModelRequestFields"] = fields
    if request.response_format is not None and not by_tool:
        arguments["outputConfig"] = _output_config(request.response_format)
    arguments |= additional
    return {name: value for name, value in arguments.items() if value is not OMIT}


def asks_by_tool(llm: BaseLLM, request: LLMRequest) -> bool:
    """Whether a structured answer is asked for by a tool: of the models there, the newer of Claude's have a form of it."""
    return wants_model(request) and not ("claude" in llm.model and has_native_form(llm.model))


def _top_k(llm: BaseLLM) -> dict[str, Any]:
    if llm.top_k is None:
        return {}
    return {"inferenceConfig": {"topK": llm.top_k}} if "nova" in llm.model else {"top_k": llm.top_k}


def _output_config(wanted: type[BaseModel] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(wanted, Mapping):
        schema: Any = wanted.get("json_schema", wanted)
    else:
        schema = {"name": wanted.__name__, "schema": _closed(TypeAdapter(wanted).json_schema())}
    named = {"name": schema["name"]} if "name" in schema else {}
    text = json.dumps(schema["schema"], ensure_ascii=False)
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": text, **named}}}}


def _closed(schema: Any) -> Any:
    """Return a schema whose objects have no other properties, as structured output wants them."""
    if isinstance(schema, list):
        return [_closed(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(member) for name, member in schema.items()}
    return {**closed, "additionalProperties": False} if closed.get("type") == "object" else closed


#: What recorded bodies may have beside the conversation.
_FIELDS: Final = {
    "system": OBJECTS,
    "inferenceConfig": OBJECT,
    "additionalModelRequestFields": OBJECT,
    "toolConfig": OBJECT,
}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call that made a recorded request: made again, it goes to the same URL with the same JSON.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    found = _URL.fullmatch(url)
    if found is None or found["operation"] not in _STREAMS or found["query"]:
        raise UsageError(f"{url}: only requests of Converse and ConverseStream can be rebuilt")
    recorded, odd = fitting(json_object(body, {}), _FIELDS)
    verbatim = Verbatim()
    if not {"messages", "promptVariables"} & recorded.keys():
        raise UsageError("the recorded request has no 'messages'")
    messages = verbatim.messages("messages", recorded.get("messages", []), parse_messages)
    omitted = {} if "messages" in recorded else {"messages": OMIT}
    if omitted:
        # The prompt that the provider keeps is the conversation.
        verbatim.fields.clear()
    rest = {name: value for name, value in recorded.items() if name != "messages"}
    system, tools = _taken_system(rest, verbatim), _taken_tools(rest, verbatim)
    settings: dict[str, Any] = {"base_url": found["base"]}
    settings |= _taken_inference(rest) | _taken_thinking(rest)
    choice = {TOOL_CHOICE: rest.pop(TOOL_CHOICE)} if TOOL_CHOICE in rest else {}
    # Not for boto3 to look at: it takes what it knows, and nothing else.
    extra = {**rest, **verbatim.fields, **odd}
    return RecordedCall(
        model=f"bedrock/{unquote(found['model'])}",
        messages=[*system, *messages],
        tools=tools,
        stream=_STREAMS[found["operation"]],
        settings=settings,
    ).with_rest({**omitted, **choice, **({EXTRA_BODY: extra} if extra else {})})


def _taken_system(rest: dict[str, Any], verbatim: Verbatim) -> list[dict[str, Any]]:
    """Take `system` from the rest."""
    if not rest.get("system"):
        return []
    system = rest.pop("system")
    try:
        return [parse_system(system)]
    except (UsageError, *OF_ANOTHER_SHAPE):
        verbatim.fields["system"] = system
        return []


def _taken_inference(rest: dict[str, Any]) -> dict[str, Any]:
    """Take `inferenceConfig` from the rest where settings of ours say the same."""
    config = rest.get("inferenceConfig") or {}
    ours = {name: config[field] for name, field in _INFERENCE.items() if config.get(field) not in (None, [])}
    if config and len(ours) == len(config):
        del rest["inferenceConfig"]
        return ours
    return {}


def _taken_thinking(rest: dict[str, Any]) -> dict[str, Any]:
    fields = rest.get("additionalModelRequestFields") or {}
    if fields.keys() == {"thinking"} and fields["thinking"] is not None:
        del rest["additionalModelRequestFields"]
        return dict(fields)
    return {}


def _taken_tools(rest: dict[str, Any], verbatim: Verbatim) -> list[dict[str, Any]]:
    """Take `toolConfig` from the rest."""
    config = rest.get("toolConfig")
    if not config:
        return []
    del rest["toolConfig"]
    known = Verbatim()
    tools = known.tools("tools", config.get("tools") or (), parse_tools)
    if known.fields or config.keys() - {"tools", TOOL_CHOICE} or not tools:
        verbatim.fields["toolConfig"] = config
    elif TOOL_CHOICE in config:
        rest[TOOL_CHOICE] = config[TOOL_CHOICE]
    return tools
