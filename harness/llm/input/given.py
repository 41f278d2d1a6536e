"""Values of which only the fields that were given are sent."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from harness.misfit import Worded


class Given(Worded):
    """A frozen value that remembers which of its fields were given; others are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def given(self) -> dict[str, Any]:
        """Return the fields that were given, as JSON."""
        return self.model_dump(mode="json", exclude_unset=True)
