"""Parts of a message that the OpenAI-like vocabulary has no word for: thinking, cache marks, tool use among text.

They are named as Anthropic names its content blocks; adapters of other providers translate the ones that they know.
"""

from __future__ import annotations

from typing import Any, Literal

from harness.llm.input.own_block import OwnBlock
from harness.llm.input.value import Extended, Given


class CacheControl(Given):
    """The prompt up to and with the part that carries it is to be cached."""

    type: Literal["ephemeral"]
    #: How long, such as `5m` or `1h`.
    ttl: str | None = None


class CachePointPart(Given):
    """The prompt up to here is to be cached, for providers that mark a place and not a part."""

    type: Literal["cache_point"]
    ttl: str | None = None


class ThinkingPart(Given):
    """Reasoning that the model wrote earlier. Its signature lets the provider trust it when it is sent back."""

    type: Literal["thinking"]
    #: A text, or the list of texts that Mistral has in its place.
    thinking: str | list[BlockText]
    signature: str | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return self.thinking if isinstance(self.thinking, str) else "".join(part.text for part in self.thinking)


class RedactedThinkingPart(Given):
    """Reasoning that only the provider can read."""

    type: Literal["redacted_thinking"]
    data: str


class BlockText(Given):
    """Text among blocks."""

    type: Literal["text"]
    text: str
    cache_control: CacheControl | None = None


class MediaSource(Given):
    """Where an image or a document is; which fields there are depends on `type`."""

    type: Literal["base64", "url", "file", "text", "content"]
    media_type: str | None = None
    #: Base64, or the text itself where the type is `text`.
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: str | list[BlockText] | None = None


class SourcedImagePart(Extended):
    """An image by its source."""

    type: Literal["image"]
    source: MediaSource
    #: How closely it is to be looked at, such as `low`.
    detail: str | None = None
    cache_control: CacheControl | None = None


class Citations(Given):
    enabled: bool


class DocumentPart(Extended):
    """A document by its source."""

    type: Literal["document"]
    source: MediaSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class JSONPart(Given):
    """A JSON value as a part of a tool's result."""

    type: Literal["json"]
    value: Any


class ToolUsePart(Extended):
    """A tool call that stands among the parts of an answer, where `tool_calls` could not say its place."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]
    cache_control: CacheControl | None = None
    #: What asked for the tool: the model itself, or code that it wrote.
    caller: dict[str, Any] | None = None
    #: Lets the provider trust the reasoning behind the call when it is sent back.
    signature: str | None = None


class ToolResultPart(Extended):
    """A tool's result that stands among the parts of a user message, where a `tool` message could not say its place."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: str | list[BlockText | SourcedImagePart | DocumentPart | JSONPart | OwnBlock] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


Block = (
    CachePointPart
    | ThinkingPart
    | RedactedThinkingPart
    | SourcedImagePart
    | DocumentPart
    | ToolUsePart
    | ToolResultPart
)
