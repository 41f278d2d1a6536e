"""Fields of a conversation's state, which may be of any class, and the text of what was made in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from harness.llm.input.words import value_text
from harness.validation import model_json

Role: TypeAlias = Literal["user", "assistant", "system", "tool"]
Visibility: TypeAlias = Literal["private", "public"]
#: What a message says: text, or a provider's content parts.
Content: TypeAlias = str | list[dict[str, Any]]


def content_of(message: Any) -> Content:
    """Return what a user's message says, given as that or as `{"content": …}`: text, or a provider's content parts."""
    content = message.get("content") if isinstance(message, Mapping) else message
    if content is None or isinstance(content, str):
        return str(message) if content is None else content
    return content if isinstance(content, list) else str(content)


def content_text(result: Any) -> str:
    """Return what a result says: the text of an object that has it as `raw`, the JSON of a model, else its `str`."""
    raw = getattr(result, "raw", None)
    if isinstance(raw, str):
        return raw
    return model_json(result) if isinstance(result, BaseModel) else value_text(result)
