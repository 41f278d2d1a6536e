"""The typed form of messages and tools.

The vocabulary is the one that `{role, content, …}` messages have everywhere. Fields that were not given stay not given,
so an adapter can send exactly what was said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Tag, model_validator

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
from harness.llm.input.hosted import HostedItem
from harness.llm.input.items import ItemFacts, ReasoningItem
from harness.llm.input.own_block import KNOWN_TYPES, OwnBlock
from harness.llm.input.value import Extended, Given


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

#: The types of parts that have a word here; others are told apart by their form. What does not fit is judged by its type,
#: which may be what has no hash.
_OF_TYPE: Final = [*KNOWN_TYPES - {"json"}]
#: What a part may be whose type has no word here.
OF_ANY_TYPE: Final = tuple(kind.__name__ for kind in (HostedItem, QuotedMessage, OwnBlock))


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
