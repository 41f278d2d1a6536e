"""Reading the JSON body of a recorded request, as far as all wire formats have it in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from harness.errors import UsageError
from harness.llm.recorded import OMIT


class Kind(NamedTuple):
    """What a field must be, and how to tell."""

    name: str
    fits: Callable[[Any], object]


TEXT: Final = Kind("a string with something in it", lambda value: isinstance(value, str) and value != "")
FLAG: Final = Kind("true or false", lambda value: isinstance(value, bool))
OBJECT: Final = Kind("an object", lambda value: isinstance(value, dict))
OBJECTS: Final = Kind(
    "a list of objects", lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value)
)
#: What a field must be that may be anything.
ANY: Final = Kind("anything", lambda value: True)
#: Words after which an answer stops.
STOPS: Final = Kind(
    "a string or a list of them",
    lambda value: isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value)),
)
#: A conversation.
MESSAGES: Final = Kind("a list of at least one object", lambda value: OBJECTS.fits(value) and bool(value))
#: A system prompt of Anthropic.
TEXT_OR_BLOCKS: Final = Kind("a string or a list", lambda value: isinstance(value, str | list))


def fitting(recorded: dict[str, Any], kinds: dict[str, Kind]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a recorded body without those fields that are of another kind than theirs, and these."""
    odd = {
        name: recorded[name]
        for name, kind in kinds.items()
        if recorded.get(name) is not None and not kind.fits(recorded[name])
    }
    return {name: value for name, value in recorded.items() if name not in odd}, odd


def named_model(recorded: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name of the model, and what `additional_params` must say of it where a body names none."""
    name = recorded.get("model")
    if isinstance(name, str) and name:
        return name, {}
    return "unnamed", {"model": recorded.get("model", OMIT)}


def json_object(body: bytes, needed: dict[str, Kind], others: dict[str, Kind] | None = None) -> dict[str, Any]:
    """Return a recorded body, with the fields that are `needed`; those in `others` may be missing or null.

    Raises:
        UsageError: it is no JSON object, or a field is missing or of another kind; it is named.
    """
    if not body.strip():
        raise UsageError("the recorded request has no body")
    try:
        recorded = json.loads(body)
    except ValueError as error:
        raise UsageError(f"the recorded request body is not JSON: {error}") from error
    if not isinstance(recorded, dict):
        raise UsageError(f"the recorded request body is {type(recorded).__name__}, not an object")
    for name, kind in needed.items():
        if name not in recorded:
            raise UsageError(f"the recorded request has no {name!r}")
        if not kind.fits(recorded[name]):
            raise UsageError(f"{name} of the recorded request is not {kind.name}")
    for name, kind in (others or {}).items():
        if recorded.get(name) is not None and not kind.fits(recorded[name]):
            raise UsageError(f"{name} of the recorded request is not {kind.name}")
    return recorded
