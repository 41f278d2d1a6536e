"""A call as a recorded request tells it: enough to make it again through the public `LLM`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final, Self

from msgspec import Struct, field
from msgspec.structs import replace


class _Omit(enum.Enum):
    OMIT = "omit"

    def __repr__(self) -> str:
        return "OMIT"


#: In `additional_params`: leave this field out of the request body, whatever else would put it there.
OMIT: Final = _Omit.OMIT


class RecordedCall(Struct, frozen=True):
    """One recorded request in our own terms. `settings` are keyword arguments of `LLM`."""

    model: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] = field(default_factory=list)
    #: As it was sent; None where the field was not there.
    stream: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def with_rest(self, rest: Mapping[str, Any]) -> Self:
        """Return this call with these fields, too, for which no setting stands."""
        if not rest:
            return self
        present = self.settings.get("additional_params", {})
        return replace(self, settings={**self.settings, "additional_params": {**present, **rest}})
