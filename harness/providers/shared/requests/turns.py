"""Messages on wires that have other roles: no system prompt among them, and results of tools that the user gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.messages import FunctionDefinition, Message, TextPart
from harness.llm.input.own_block import OwnBlock

#: Those whose messages are the system prompt, wherever they stand.
SYSTEM_ROLES: Final = frozenset({"system", "developer"})


def joined(made: Iterable[tuple[Any, dict[str, Any]]], field: str) -> list[dict[str, Any]]:
    """Return messages; neighbours whose keys are true and equal are one, which holds in `field` what they did."""
    wire: list[dict[str, Any]] = []
    last = None
    for key, message in made:
        if key and key == last:
            wire[-1][field] += message[field]
        else:
            wire.append(message)
        last = key
    return wire


def without_blanks(parts: Sequence[Any], calls: Sequence[Any] | None = None) -> Sequence[Any]:
    """Return parts without texts that say nothing beside others or `calls`, as of an image alone: some APIs refuse them."""
    return [part for part in parts if not _is_blank(part)] or ([] if calls else parts)


def _is_blank(part: Any) -> bool:
    # A signature may stand in a text of its own.
    return isinstance(part, TextPart) and not part.text and part.signature is None


def sole_text(messages: Sequence[Message]) -> str | None:
    """Return the text of the user; None where anything else is said."""
    only = messages[0] if len(messages) == 1 else None
    return only.content if only and only.role == "user" and isinstance(only.content, str) else None


def wire_role(message: Message, roles: Mapping[str, str], api: str) -> str:
    """Return who speaks, as an API has it. Raises UsageError for a role that it has not."""
    if message.role not in roles:
        raise UsageError(f"{api} has no messages of the role {message.role!r}; answer a tool call as 'tool'")
    return roles[message.role]


def answered_id(message: Message) -> str:
    """Return the id of the call that a tool message answers. Raises UsageError where it says none."""
    if message.tool_call_id is None:
        raise UsageError("a tool message needs the tool_call_id that it answers")
    return message.tool_call_id


def schema_of(function: FunctionDefinition) -> Mapping[str, Any]:
    """Return the JSON Schema of the arguments, for APIs that want one of each function."""
    schema: Mapping[str, Any] | None = function.given().get("parameters")
    return {"type": "object", "properties": {}} if schema is None else schema


def unsendable(part: Any, api: str) -> UsageError:
    """Return the error for a part that an API does not take."""
    what = f"block of the kind {part.kind!r}" if isinstance(part, OwnBlock) else f"{type(part).__name__} in a message"
    return UsageError(f"{api} takes no {what}")


def of_no_type(part: Any, api: str, taken: str) -> UsageError:
    """Return the same for an API that takes parts of few types."""
    kind = getattr(part, "type", None) or type(part).__name__
    return UsageError(f"{api}: a message takes {taken}, and no part of the type {kind!r}")
