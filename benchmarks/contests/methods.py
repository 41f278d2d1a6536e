"""Flows of ten methods: runs per second, plain, saved, and with checkpoints; what a method costs; the first frame."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: Runs in each turn: of the fast, and of those that take long.
_MANY: Final = "200"
_FEW: Final = "40"
_PEER: Final = "langgraph"


def contest(settings: Settings) -> Contest:
    """Return the contest of all who run ten methods, one after the other."""
    return Contest(
        "methods",
        "A flow of ten methods, one after the other",
        "runs/s",
        (
            Contestant("harness", "harness_methods.py", (_MANY, "plain")),
            Contestant("CrewAI, silent", "peers/crewai_methods.py", (_FEW, "plain"), "crewai"),
            Contestant("LangGraph", "peers/langgraph_methods.py", (_MANY, "plain"), _PEER),
            Contestant("harness, coroutines", "harness_methods.py", (_MANY, "awaited")),
            Contestant("CrewAI, silent, coroutines", "peers/crewai_methods.py", (_FEW, "awaited"), "crewai"),
            Contestant("LangGraph, coroutines", "peers/langgraph_methods.py", (_MANY, "awaited"), _PEER),
            Contestant("harness, streamed", "harness_methods.py", (_MANY, "streamed")),
            Contestant("LangGraph, streamed", "peers/langgraph_methods.py", (_MANY, "streamed"), _PEER),
            Contestant("harness, @persist", "harness_methods.py", (_MANY, "persist")),
            Contestant("CrewAI, silent, @persist", "peers/crewai_methods.py", (_FEW, "persist"), "crewai"),
            Contestant("harness, checkpoints in SQLite", "harness_methods.py", (_MANY, "sqlite")),
            Contestant("harness, checkpoints as JSON", "harness_methods.py", (_MANY, "json")),
            Contestant("harness, checkpoints as lines", "harness_methods.py", (_MANY, "jsonl")),
            Contestant("CrewAI, silent, checkpoints as JSON", "peers/crewai_methods.py", (_FEW, "json"), "crewai"),
            Contestant("LangGraph, checkpoints in SQLite", "peers/langgraph_methods.py", (_MANY, "sqlite"), _PEER),
        ),
        (
            Ratio("harness", "CrewAI, silent", ("at least", 10)),
            Ratio("harness, coroutines", "CrewAI, silent, coroutines", ("at least", 10)),
            Ratio("harness, @persist", "CrewAI, silent, @persist", ("at least", 10)),
            Ratio("harness, checkpoints as JSON", "CrewAI, silent, checkpoints as JSON", ("at least", 10)),
            Ratio("harness, checkpoints as lines", "CrewAI, silent, checkpoints as JSON", ("at least", 10)),
            Ratio("harness", "LangGraph"),
            Ratio("harness, coroutines", "LangGraph, coroutines"),
            Ratio("harness, streamed", "LangGraph, streamed"),
            Ratio("harness, checkpoints in SQLite", "LangGraph, checkpoints in SQLite"),
            Ratio("harness, @persist", "harness"),
            Ratio("harness, checkpoints in SQLite", "harness"),
            Ratio("harness, checkpoints as JSON", "harness"),
        ),
    )


def first_frame(settings: Settings) -> Contest:
    """Return the contest of those whose first frame of a streamed run is waited for."""
    return Contest(
        "first-frame",
        "The first frame of a flow of ten methods",
        "ms",
        (
            Contestant("harness", "harness_methods.py", (_MANY, "first-frame")),
            Contestant("CrewAI, silent", "peers/crewai_methods.py", (_FEW, "first-frame"), "crewai"),
        ),
        (Ratio("harness", "CrewAI, silent"),),
    )
