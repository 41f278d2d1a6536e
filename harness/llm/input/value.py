"""Values of which only the fields that were given are sent."""

from __future__ import annotations

import difflib
from typing import Any, Final

from pydantic import ConfigDict

from harness.validation import UserModel


class Given(UserModel):
    """A frozen value that remembers which of its fields were given; others are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def given(self) -> dict[str, Any]:
        """Return the fields that were given, as JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


#: How alike an unknown field and a known one are where that was meant.
_NEAR: Final = 0.8


class Extended(Given):
    """A value to which providers and hosts add fields of their own, which are kept; one that reads as a typo is told by `typo`."""

    model_config = ConfigDict(extra="allow")

    def typo(self) -> str | None:
        """Return what to say of an added field that is nearly one of its own; None where there is none such."""
        for name in self.model_extra or ():
            near = difflib.get_close_matches(name, type(self).model_fields, n=1, cutoff=_NEAR)
            if near:
                return f"there is no field {name!r}; did you mean {near[0]!r}?"
        return None

    @property
    def added(self) -> dict[str, Any]:
        """The fields that this project has no word for, as JSON."""
        extra = self.model_extra
        return {name: value for name, value in self.given().items() if name in extra} if extra else {}
