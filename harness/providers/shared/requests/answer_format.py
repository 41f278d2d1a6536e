"""What a request says of the form of its answer, for providers that have words of their own for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from harness.errors import UsageError


def is_text(answer_format: type[BaseModel] | Mapping[str, Any] | None) -> bool:
    """Whether a format is the one of OpenAI's that asks for none."""
    return isinstance(answer_format, Mapping) and answer_format.get("type") == "text"


def described(answer_format: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a format in OpenAI's form that has its `schema`; chat completions have it one level deeper.

    Raises:
        UsageError: there is none.
    """
    part = answer_format.get("json_schema", answer_format)
    if not isinstance(part, Mapping) or not isinstance(part.get("schema"), Mapping):
        raise UsageError(
            f"response_format {answer_format!r:.200} has no JSON Schema, and is no other form that is known here; expected "
            "{'type': 'json_schema', 'json_schema': {'name': …, 'schema': {…}}}, or a pydantic model's class"
        )
    return part
