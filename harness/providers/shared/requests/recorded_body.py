"""The JSON body of a recorded request, and what its fields must be to be read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import UnionType
from typing import Any, Final, NamedTuple

from harness.errors import UsageError


class Kind(NamedTuple):
    """What a field must be: of these types, and where it is a list, with such items."""

    types: type | UnionType
    items: type = object

    def fits(self, value: Any) -> bool:
        """Whether a value is of this kind."""
        return isinstance(value, self.types) and (
            not isinstance(value, list) or all(isinstance(item, self.items) for item in value)
        )


FLAG: Final = Kind(bool)
TEXT: Final = Kind(str)
OBJECT: Final = Kind(dict)
OBJECTS: Final = Kind(list, dict)
#: Words after which an answer stops.
STOPS: Final = Kind(str | list, str)
#: A system prompt of Anthropic.
TEXT_OR_BLOCKS: Final = Kind(str | list)


def json_object(body: bytes, needed: Iterable[str] = ()) -> dict[str, Any]:
    """Return a recorded body. Raises UsageError where it is no JSON object, or a field that is `needed` is missing."""
    if not body.strip():
        raise UsageError("the recorded request has no body")
    try:
        recorded = json.loads(body)
    except ValueError as error:
        raise UsageError(f"the recorded request body is not JSON: {error}") from error
    if not isinstance(recorded, dict):
        raise UsageError(f"the recorded request body is {type(recorded).__name__}, not an object")
    for name in needed:
        if name not in recorded:
            raise UsageError(f"the recorded request has no {name!r}")
    return recorded
