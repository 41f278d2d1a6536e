"""What came of asking a human."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class HumanFeedbackResult:
    """One answer of a human to what a method gave."""

    #: What the method returned.
    output: Any = None
    #: The human's own words; empty where there were none.
    feedback: str = ""
    #: The outcome that the words come to, of those that the method emits; None where it emits none.
    outcome: str | None = None
    timestamp: datetime = field(default_factory=now)
    method_name: str = ""
    #: As the decorator was given it.
    metadata: dict[str, Any] = field(default_factory=dict)
