"""Why results of a replay could not be judged, and how often each reason occurs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

_PLACE = re.compile(r"\[\d+\]")


def reasons(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return why those results of a replay's document are errors that are, and how many for each reason, the most first.

    A reason names the field, and leaves its places in lists and the names of files out.
    """
    counted = Counter(
        _PLACE.sub("[…]", (result["message"] or "").replace(PurePath(result["path"]).name, "…"))
        for result in results
        if result["status"] == "error"
    )
    return counted.most_common()
