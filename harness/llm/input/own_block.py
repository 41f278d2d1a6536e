"""Parts of a message that are of one provider's own kind, and travel to it as they are."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, SerializationInfo, model_serializer, model_validator

from harness.llm.input.value import Given

#: The types of parts that this project has words for; one of them in another form is a mistake, and no block of others.
KNOWN_TYPES: Final = frozenset(
    {"text", "image_url", "file", "input_audio", "refusal", "cache_point", "thinking", "redacted_thinking", "image"}
    | {"document", "json", "tool_use", "tool_result", "reasoning"}
)
#: Fields of a message; what has one is no block of a provider's.
_OF_MESSAGES: Final = frozenset({"role", "content"})


class OwnBlock(Given):
    """A block such as Anthropic's `server_tool_use`, or Bedrock's `{"guardContent": …}`, which has a name in place of a type.

    Gemini's have settings beside their name.
    """

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    type: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_kind(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            kind = value.get("type")
            if isinstance(kind, str) and kind and kind not in KNOWN_TYPES:
                return value
            is_named = len(value) == 1 or any(isinstance(inner, Mapping) for inner in value.values())
            if "type" not in value and value and is_named and not _OF_MESSAGES & value.keys():
                return value
        raise ValueError("this is no part of a message, and no block of a provider's own kind")

    @model_serializer
    def _serialized(self, info: SerializationInfo) -> dict[str, Any]:
        block = {**({"type": self.type} if self.type is not None else {}), **(self.model_extra or {})}
        return json_value(block) if info.mode == "json" else block

    @property
    def kind(self) -> str:
        """Its type, or the name that it has in place of one."""
        return self.type or next(iter(self.model_extra or {}), "")


def json_value(value: Any) -> Any:
    """Return what stands for a value in JSON: bytes are base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {name: json_value(inner) for name, inner in value.items()}
        case list() | tuple():
            return [json_value(inner) for inner in value]
        case _:
            return value
