"""Tool calls that go back to a provider whose format has their arguments as an object, and not as a text."""

from __future__ import annotations

import json
from typing import Any

from harness.errors import UsageError
from harness.llm.input.messages import AnyToolCall


def sent_arguments(call: AnyToolCall, api: str) -> dict[str, Any]:
    """Return the arguments of a call as an object. Raises UsageError where they are none, naming the call."""
    text = call.function.arguments or "{}"
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"tool call {call.id!r}: {api} takes arguments as a JSON object, and these are no JSON: {error}"
        ) from error
    if not isinstance(arguments, dict):
        raise UsageError(f"tool call {call.id!r}: {api} takes arguments as a JSON object, and these are {text[:80]!r}")
    return arguments
