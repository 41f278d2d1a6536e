"""What a replay that passed says beside its status."""

from __future__ import annotations

import re

_FAILED = re.compile(r"the run failed, as when it was recorded: (\w+): .+", re.DOTALL)


def failure_told(message: str | None) -> str | None:
    """Return the error that a replayed run ended with as its recording did; what else is said, as it is."""
    told = _FAILED.fullmatch(message or "")
    return message if told is None else told[1]
