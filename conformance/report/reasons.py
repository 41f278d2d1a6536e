"""Why results of a replay could not be judged, and how often each reason occurs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

_PLACE = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `message` names the field, its places in lists and the names of files left out."""

    message: str
    count: int


def reasons(results: Iterable[Mapping[str, Any]]) -> list[Reason]:
    """Return the reasons of those results of a replay's document that are errors, the most frequent first."""
    counted = Counter(
        _PLACE.sub("[…]", (result["message"] or "").replace(PurePath(result["path"]).name, "…"))
        for result in results
        if result["status"] == "error"
    )
    return [Reason(*counted_reason) for counted_reason in counted.most_common()]
