"""`{name}` in the texts of agents and tasks, and the inputs of a kickoff that take its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.words import value_text

_PLACE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")


def interpolated(text: str, inputs: Mapping[str, Any] | None, where: str) -> str:
    """Return `text` with each `{name}` replaced by the input of that name; without inputs, as it is.

    Braces around anything else than a name, as in JSON, stay.

    Raises:
        UsageError: there is no such input; the message names it, and `where` it is wanted.
    """
    if not inputs or "{" not in text:
        return text

    def value(place: re.Match[str]) -> str:
        name = place[1]
        if name not in inputs:
            known = ", ".join(map(str, inputs))
            raise UsageError(f"{where} wants the input {name!r}, and the inputs given are {known}")
        return value_text(inputs[name])

    return _PLACE.sub(value, text)
