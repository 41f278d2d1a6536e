"""The parts in which a model's answer arrives, whichever provider sends it. An integration yields them, in wire order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, structs

#: Why an answer ended, in one vocabulary for all providers.
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]


class ResponseStarted(Struct, frozen=True, gc=False):
    """The provider's id of the response, as soon as it is known."""

    response_id: str


class RequestId(Struct, frozen=True, gc=False):
    """The provider's id of the request, from the head of its response: what errors name (clause `llm.errors`)."""

    request_id: str | None


class TextDelta(Struct, frozen=True, gc=False):
    """A piece of the answer's text."""

    text: str


class ThinkingDelta(Struct, frozen=True, gc=False):
    """A piece of the model's reasoning, for providers that send it."""

    text: str


class ToolCallDelta(Struct, frozen=True, gc=False):
    """A piece of one tool call. `index` tells parallel calls apart; id and name come at least in the first piece."""

    index: int
    id: str | None
    name: str | None
    arguments: str


class Usage(Struct, frozen=True):
    """Tokens of one call, as far as the wire told. A later report replaces an earlier one."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_prompt_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_creation_tokens: int | None = None
    #: The usage as the provider sent it.
    raw: Mapping[str, Any] | None = None

    def payload(self) -> dict[str, int]:
        """Return the counts that are known, under the names that all providers share (clause `llm.usage`)."""
        return {name: count for name, count in structs.asdict(self).items() if count is not None and name != "raw"}


class Finish(Struct, frozen=True, gc=False):
    """The provider's end marker has come. An answer that ends without it was cut (clause `llm.truncation`)."""

    reason: FinishReason | None
    #: The reason as the provider sent it.
    raw: str | None = None


Part = RequestId | ResponseStarted | TextDelta | ThinkingDelta | ToolCallDelta | Usage | Finish
