"""How long closing takes while the run blocks."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: How long the run would go on blocking.
_SECONDS: Final = "2"
_KINDS: Final = {
    "read": "harness, in a provider read",
    "sleep": "harness, in a sleep",
    "async-read": "harness, async, in a provider read",
    "async-sleep": "harness, async, in a sleep",
}


def contest(settings: Settings) -> Contest:
    """Return the contest of closing a session whose run would block for two seconds."""
    del settings
    return Contest(
        "closing",
        f"Closing while the run blocks for {_SECONDS} s",
        "ms",
        (
            *(Contestant(title, "harness_closing.py", (kind, _SECONDS)) for kind, title in _KINDS.items()),
            Contestant("CrewAI, in a sleep", "peers/crewai_closing.py", (_SECONDS,), "crewai"),
        ),
        tuple(Ratio(title, bound=("at most", 250)) for title in _KINDS.values()),
    )
