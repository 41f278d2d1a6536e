"""Crews of two tasks whose models answer at once: runs per second, one after the other, at once, and streamed."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: Runs in each turn: of the fast, and of those that take long.
_MANY: Final = "400"
_FEW: Final = "40"
#: Crews at once.
_AT_ONCE: Final = "100"


def contest(settings: Settings) -> Contest:
    """Return the contest of those who run crews."""
    return Contest(
        "crews",
        "A crew of two tasks, one after the other; 100 of them at once",
        "runs/s",
        (
            Contestant("harness", "harness_crews.py", (_MANY, "plain")),
            Contestant("CrewAI, silent", "peers/crewai_crews.py", (_FEW, "plain"), "crewai"),
            Contestant("harness, streamed", "harness_crews.py", (_MANY, "streamed")),
            Contestant("harness, at once", "harness_crews.py", (_AT_ONCE, "at-once")),
            Contestant("CrewAI, silent, at once", "peers/crewai_crews.py", (_AT_ONCE, "at-once"), "crewai"),
        ),
        (
            Ratio("harness", "CrewAI, silent", ("at least", 10)),
            Ratio("harness, at once", "CrewAI, silent, at once"),
            Ratio("harness, streamed", "harness"),
        ),
    )
