"""Values of which only the fields that were given are sent."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, model_validator

from harness.misfit import Worded


class Given(Worded):
    """A frozen value that remembers which of its fields were given; others are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def given(self) -> dict[str, Any]:
        """Return the fields that were given, as JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


#: How alike an unknown field and a known one are where that was meant.
_NEAR: Final = 0.8


class Extended(Given):
    """A value to which providers and hosts add fields of their own, which are kept; one that reads as a typo is refused."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _without_typos(cls, value: Any) -> Any:
        for name in value if isinstance(value, Mapping) else ():
            if isinstance(name, str) and name not in cls.model_fields:
                near = difflib.get_close_matches(name, cls.model_fields, n=1, cutoff=_NEAR)
                if near:
                    raise ValueError(f"there is no field {name!r}; did you mean {near[0]!r}?")
        return value

    @property
    def added(self) -> dict[str, Any]:
        """The fields that this project has no word for, as JSON."""
        extra = self.model_extra
        return {name: value for name, value in self.given().items() if name in extra} if extra else {}
