"""What events are given by SDKs and by code that was written for others, and the plain values that they make of it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator

from harness.errors import error_text

#: What an event may be given in place of the ids and names of whom it belongs to.
_OWNERS: Final = (("from_task", "task", "name"), ("from_agent", "agent", "role"))


def with_owners(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what an event was given with the ids and names of its task and agent in place of these themselves."""
    if not ("from_task" in fields or "from_agent" in fields):
        return fields
    owners: dict[str, Any] = {}
    for key, kind, name in _OWNERS:
        owners |= owner_fields(fields.get(key), kind, name)
    rest = {name: value for name, value in fields.items() if name not in ("from_task", "from_agent")}
    return {**owners, **{name: value for name, value in rest.items() if name not in owners or value is not None}}


def owner_fields(owner: Any, kind: str, name: str) -> dict[str, str | None]:
    """Return the id and the name of a task or an agent, as events carry them."""
    if owner is None or isinstance(owner, str | int):
        return {}
    called = getattr(owner, name, None) or getattr(owner, "description", None)
    return {
        f"{kind}_id": str(getattr(owner, "id", "")) or None,
        f"{kind}_{name}": None if called is None else str(called),
    }


class Lenient(BeforeValidator):
    """A validator that leaves a value of the field's own types as it is: such a value needs no validation."""


def text_of_error(error: Any) -> Any:
    """Return the text of an exception, and anything else as it is."""
    return error_text(error) if isinstance(error, BaseException) else error


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _text_or_none(value: Any) -> str | None:
    plain = _plain(value)
    return plain if isinstance(plain, str) else None


def _mapping(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _texts(value: Any) -> list[str] | None:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        return None
    return [item if isinstance(item, str) else str(item) for item in value]


#: What a failure was, as text. An exception that is given becomes its text.
FailureText = Annotated[str, Lenient(text_of_error)]
OptionalFailureText = Annotated[str | None, Lenient(text_of_error)]
#: Text where an SDK may give an enum, whose value it is, or something that is none, which is left out.
OptionalText = Annotated[str | None, Lenient(_text_or_none)]
#: Counts by name, which may be nested, or an SDK's model of them.
OptionalUsage = Annotated[dict[str, Any] | None, Lenient(_mapping)]
#: A list of texts, which may be given as one text or as any sequence of what reads as text; anything else is left out.
OptionalTexts = Annotated[list[str] | None, Lenient(_texts)]
#: An enum's member may be given in place of its value.
PLAIN: Final = Lenient(_plain)
