"""Fields of a conversation's state, which may be of any class, and the text of what was made in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

from pydantic import BaseModel

from harness.flow.state import AnyState

Role: TypeAlias = Literal["user", "assistant", "system", "tool"]
Visibility: TypeAlias = Literal["private", "public"]


def field_of(state: AnyState | None, name: str) -> Any:
    """Return a field of a state, or None where it has none of that name."""
    return state.get(name) if isinstance(state, Mapping) else getattr(state, name, None)


def set_field(state: AnyState | None, name: str, value: Any) -> None:
    """Set a field of a state; a model that has none of that name is left as it is."""
    if isinstance(state, dict):
        state[name] = value
    elif hasattr(state, name):
        setattr(state, name, value)


def content_text(result: Any) -> str:
    """Return what a result says: the text of an object that has it as `raw`, the JSON of a model, else its `str`."""
    raw = getattr(result, "raw", None)
    if isinstance(raw, str):
        return raw
    return result.model_dump_json() if isinstance(result, BaseModel) else str(cast("object", result))
