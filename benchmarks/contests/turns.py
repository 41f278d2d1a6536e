"""Conversations: turns per second, answered by a model that answers at once; what a late turn costs beside an early one."""

from __future__ import annotations

from benchmarks.contest import Contest, Contestant, Ratio, Settings


def contest(settings: Settings) -> Contest:
    """Return the contest of those who take turns of conversations."""
    return Contest(
        "turns",
        "Turns of conversations of ten turns each, with the built-in answer",
        "turns/s",
        (
            Contestant("harness", "harness_turns.py", ("300", "taken")),
            Contestant("CrewAI, silent", "peers/crewai_turns.py", ("60",), "crewai"),
            Contestant("harness, streamed", "harness_turns.py", ("300", "streamed")),
        ),
        (Ratio("harness", "CrewAI, silent", ("at least", 10)),),
    )


def late(settings: Settings) -> Contest:
    """Return the contest of the 10th turn of a conversation with its 1,000th, in which a handler answers."""
    return Contest(
        "late-turns",
        "A turn of a conversation",
        "ms",
        (
            Contestant("the 10th", "harness_turns.py", ("10", "last")),
            Contestant("the 1,000th", "harness_turns.py", ("1000", "last")),
            Contestant("the 10th, routed by the class", "harness_turns.py", ("10", "routed")),
            Contestant("the 1,000th, routed by the class", "harness_turns.py", ("1000", "routed")),
        ),
        (
            Ratio("the 1,000th", "the 10th", ("at most", 1.5)),
            Ratio("the 1,000th, routed by the class", "the 10th, routed by the class", ("at most", 1.5)),
        ),
    )
