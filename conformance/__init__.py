"""The streaming contract as data, the suite that puts a runtime to it, and its pytest classes.

The classes are imported when they are first asked for: the command line runs the same suite without pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.pytest_suite import (
        ConformanceWarning,
        CrewConformance,
        FlowConformance,
        LLMConformance,
        RuntimeConformance,
        TurnConformance,
    )

__all__ = [
    "ConformanceWarning",
    "CrewConformance",
    "FlowConformance",
    "LLMConformance",
    "RuntimeConformance",
    "TurnConformance",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from conformance import pytest_suite as suite

    return getattr(suite, name)
