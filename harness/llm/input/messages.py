"""Messages and tools as the public calls take them, read into one typed form.

The vocabulary is the one that `{role, content, …}` messages have everywhere. Fields that were not given stay not given,
so an adapter can send exactly what was said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from harness.errors import UsageError
from harness.llm.input.blocks import (
    Block,
    CacheControl,
    CachePointPart,
    DocumentPart,
    RedactedThinkingPart,
    SourcedImagePart,
    ThinkingPart,
    ToolResultPart,
    ToolUsePart,
)
from harness.llm.input.hosted import HostedItem, HostedTool, is_hosted
from harness.llm.input.items import ItemFacts, ReasoningItem
from harness.llm.input.own_block import OwnBlock
from harness.llm.input.value import Extended, Given
from harness.validation import first_fault

if TYPE_CHECKING:
    from harness.tools import BaseTool


class TextPart(Extended):
    type: Literal["text"]
    text: str
    cache_control: CacheControl | None = None
    #: What the text quotes, where the provider tells.
    citations: list[dict[str, Any]] | None = None
    #: How likely its tokens were, where that was asked for.
    logprobs: list[dict[str, Any]] | None = None
    #: Lets the provider trust the reasoning behind the text when it is sent back.
    signature: str | None = None


class ImageURL(Given):
    #: An http(s) or data URL.
    url: str
    detail: str | None = None


class ImagePart(Extended):
    type: Literal["image_url"]
    image_url: ImageURL
    cache_control: CacheControl | None = None


class FileSource(Given):
    file_id: str | None = None
    filename: str | None = None
    #: A data URL.
    file_data: str | None = None


class FilePart(Extended):
    type: Literal["file"]
    file: FileSource
    cache_control: CacheControl | None = None


class AudioSource(Given):
    #: Base64.
    data: str
    format: str


class AudioPart(Extended):
    type: Literal["input_audio"]
    input_audio: AudioSource


class RefusalPart(Given):
    type: Literal["refusal"]
    refusal: str


def _json_text(arguments: Any) -> Any:
    # Some SDKs give back what the text says, and some hosts sent nothing.
    if arguments is None:
        return ""
    return json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, Mapping) else arguments


def _function(kind: Any) -> Any:
    return "function" if kind is None else kind


class Function(Given):
    name: str
    #: JSON text, as the model wrote it.
    arguments: Annotated[str, BeforeValidator(_json_text)]
    #: What an SDK made of it.
    parsed_arguments: Any = None


class ToolCall(Given):
    """A call that the model asked for."""

    id: str
    type: Annotated[Literal["function"], BeforeValidator(_function)] = "function"
    function: Function
    #: As the pieces of a stream have it.
    index: int | None = None
    #: What a host ties to the call, such as a signature of Gemini's thoughts.
    extra_content: dict[str, Any] | None = None


class CustomInput(Given):
    name: str
    #: Any text, as the model wrote it.
    input: str


class CustomToolCall(Given):
    """A call of a custom tool of OpenAI's, which is given text in place of arguments."""

    id: str
    type: Literal["custom"]
    custom: CustomInput
    index: int | None = None
    extra_content: dict[str, Any] | None = None

    @property
    def function(self) -> Function:
        """The same as a function's call, for providers that know no other."""
        return Function(name=self.custom.name, arguments=_json_text({"input": self.custom.input}))


def _kind_of_call(call: Any) -> str:
    kind = call.get("type") if isinstance(call, Mapping) else getattr(call, "type", None)
    return "custom" if kind == "custom" else "function"


#: A call in either form.
AnyToolCall = Annotated[
    Annotated[ToolCall, Tag("function")] | Annotated[CustomToolCall, Tag("custom")], Discriminator(_kind_of_call)
]


class QuotedMessage(Given):
    """A message that stands as a part inside another one's content; some callers nest them, and providers refuse it."""

    role: str
    content: str | None


ContentPart = (
    TextPart
    | ImagePart
    | FilePart
    | AudioPart
    | RefusalPart
    | Block
    | ReasoningItem
    | HostedItem
    | QuotedMessage
    | OwnBlock
)

#: The types of parts that have a word here; others are told apart by their form. What does not fit is judged by its type.
_OF_TYPE: Final = [
    "text",
    "image_url",
    "file",
    "input_audio",
    "refusal",
    "reasoning",
    "cache_point",
    "thinking",
    "redacted_thinking",
    "image",
    "document",
    "tool_use",
    "tool_result",
]


#: What a part may be whose type has no word here.
_OTHERS: Final = tuple(kind.__name__ for kind in (HostedItem, QuotedMessage, OwnBlock))


def _kind_of_part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else getattr(part, "type", None)
    return f"[{kind}]" if kind in _OF_TYPE else "[other]"


def _kind_of_content(content: Any) -> str | None:
    if isinstance(content, str):
        return "[said]"
    return "[parts]" if isinstance(content, Iterable) and not isinstance(content, Mapping) else None


# The tags stand in brackets, and are no part of the places that errors name.
_Part = Annotated[
    Annotated[TextPart, Tag("[text]")]
    | Annotated[ImagePart, Tag("[image_url]")]
    | Annotated[FilePart, Tag("[file]")]
    | Annotated[AudioPart, Tag("[input_audio]")]
    | Annotated[RefusalPart, Tag("[refusal]")]
    | Annotated[ReasoningItem, Tag("[reasoning]")]
    | Annotated[CachePointPart, Tag("[cache_point]")]
    | Annotated[ThinkingPart, Tag("[thinking]")]
    | Annotated[RedactedThinkingPart, Tag("[redacted_thinking]")]
    | Annotated[SourcedImagePart, Tag("[image]")]
    | Annotated[DocumentPart, Tag("[document]")]
    | Annotated[ToolUsePart, Tag("[tool_use]")]
    | Annotated[ToolResultPart, Tag("[tool_result]")]
    | Annotated[HostedItem | QuotedMessage | OwnBlock, Tag("[other]")],
    Discriminator(_kind_of_part),
]
_Content = Annotated[
    Annotated[str, Tag("[said]")] | Annotated[list[_Part], Tag("[parts]")],
    Discriminator(_kind_of_content, "text_or_a_list_of_parts", "neither"),
]


#: What is null where a message of a transcript is dumped, and which providers refuse as that.
_NEVER_NULL: Final = frozenset({"name", "tool_call_id", "tool_calls"})


class Message(Extended):
    """One message of a conversation with a model."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: _Content | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[AnyToolCall] | None = None
    refusal: str | None = None
    item: ItemFacts | None = None

    # What SDKs give back of an answer, and hosts of OpenAI's format add to it. Sent on in that format alone.

    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None
    #: The form of a call before there were several.
    function_call: Function | None = None
    #: What an SDK made of the text.
    parsed: Any = None
    #: Reasoning, under the names that hosts have for it.
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    #: Whether the answer is to go on from this text.
    prefix: bool | None = None
    cache_control: CacheControl | None = None
    extra_content: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None or name not in _NEVER_NULL}


class FunctionDefinition(Extended):
    name: str
    description: str | None = None
    #: JSON Schema of the arguments object.
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolDefinition(Extended):
    """A function that the model may ask for."""

    type: Literal["function"] = "function"
    function: FunctionDefinition
    cache_control: CacheControl | None = None


_WHEN_USED: Final = ConfigDict(defer_build=True)
_messages = TypeAdapter(list[Message], config=_WHEN_USED)
_tools = TypeAdapter(list[ToolDefinition], config=_WHEN_USED)


def read_messages(messages: str | Sequence[dict[str, Any] | Message | BaseModel]) -> list[Message]:
    """Return messages in their typed form; a string is one user message, and an SDK's object what it says.

    Raises:
        UsageError: with the place and what was expected there.
    """
    if isinstance(messages, str):
        return [Message(role="user", content=messages)]
    return _read(_messages, [_plain(message) for message in listed_messages(messages)], "messages")


def listed_messages(messages: Any) -> list[Any]:
    """Return messages that are given as a list. Raises UsageError for what is none, or holds what is no message."""
    expected = "text, or a list of messages such as {'role': 'user', 'content': '…'}"
    listed = [*_listed(messages, "messages", expected)]
    for place, message in enumerate(listed):
        if not isinstance(message, Mapping | BaseModel):
            raise UsageError(f"messages[{place}]: expected an object, not {message!r:.60}")
        if isinstance(message, BaseModel) and not hasattr(message, "content"):
            # Such as Gemini's: what such an object says stands where it would be left out.
            raise UsageError(f"messages[{place}]: {type(message).__name__} has no content; expected {expected}")
    return listed


def _listed(value: Any, name: str, expected: str) -> Iterable[Any]:
    if isinstance(value, str | bytes | Mapping | BaseModel) or not isinstance(value, Iterable):
        raise UsageError(f"{name}: expected {expected}, not {value if value is None else type(value).__name__}")
    return value


def _plain(message: Any) -> Any:
    if isinstance(message, Message):
        return message
    if isinstance(message, Mapping):
        fields = dict(message)
        for name in ("content", "tool_calls"):
            if isinstance(fields.get(name), list):
                fields[name] = [_dumped(part) for part in fields[name]]
        return fields
    # What the object says beside the message, such as its usage, and what an SDK has parsed of it, is no part of it.
    return {
        name: value for name, value in _dumped(message).items() if name in Message.model_fields and name != "parsed"
    }


def _dumped(value: Any) -> Any:
    """Return what an SDK's object says on the wire, but for what that has parsed of it; any other value as it is."""
    if isinstance(value, Given) or not isinstance(value, BaseModel):
        return value
    dumped = value.model_dump(mode="json", by_alias=True, exclude_none=True, warnings=False)
    for call in (dumped, *(dumped.get("tool_calls") or ())):
        call.get("function", {}).pop("parsed_arguments", None)
    return dumped


def _nested(tool: Any) -> Any:
    """Return a tool, or a function that is written flat, `{name, description, parameters | input_schema}`, in OpenAI's form."""
    definition = getattr(tool, "definition", None)
    if callable(definition):
        return definition()
    if not isinstance(tool, Mapping) or "function" in tool or not isinstance(tool.get("name"), str):
        return tool
    function = {name: value for name, value in tool.items() if name not in ("type", "input_schema", "cache_control")}
    if "input_schema" in tool:
        function.setdefault("parameters", tool["input_schema"])
    mark = {"cache_control": tool["cache_control"]} if "cache_control" in tool else {}
    return {"type": "function", "function": function, **mark}


def read_tools(tools: Sequence[dict[str, Any] | ToolDefinition | HostedTool | BaseTool] | None) -> list[ToolDefinition]:
    """Return the functions among tools in their typed form.

    Raises:
        UsageError: with the place and what was expected there.
    """
    listed = _listed(tools or (), "tools", "a list of tools")
    functions = [_nested(tool) for tool in listed if not is_hosted(tool)]
    return _read(_tools, functions, "tools") if functions else []


def _read(adapter: TypeAdapter[list[Any]], value: Any, name: str) -> list[Any]:
    try:
        found = adapter.validate_python(list(value))
    except ValidationError as error:
        raise UsageError(first_fault(error, name, _shown)) from error
    for place, item in enumerate(found):
        _refuse_typos(item, f"{name}[{place}]")
    return found


def _refuse_typos(value: Any, place: str) -> None:
    if value.model_extra and (typo := value.typo()):
        raise UsageError(f"{place}: {typo}")
    if type(value) is ToolDefinition:
        _refuse_typos(value.function, f"{place}.function")
    elif type(value) is Message and type(value.content) is list:
        for number, part in enumerate(value.content):
            if isinstance(part, Extended):
                _refuse_typos(part, f"{place}.content[{number}]")


def _shown(steps: Sequence[str | int]) -> list[str | int]:
    """Return the steps of a place without the kind of a call or of a part, which are no parts of it."""
    known = [step for at, step in enumerate(steps) if steps[max(at - 2, 0) : at][:1] != ("tool_calls",) or at < 2]
    return [step for step in known if step not in _OTHERS]
