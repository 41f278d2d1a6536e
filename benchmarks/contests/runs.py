"""Flows, conversations and crews, run by models that answer at once, and what importing takes."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio

#: Beside pydantic, on which it stands. Both load their modules when a name is first asked for, so that names are measured, too.
IMPORTING: Final = Contest(
    "importing",
    "Importing",
    "ms",
    (
        Contestant("import harness", "importing.py", ("harness",)),
        Contestant("import pydantic", "importing.py", ("pydantic",)),
        Contestant("from harness import StreamSession", "importing.py", ("harness", "StreamSession")),
        Contestant("from harness import Flow, LLM", "importing.py", ("harness", "Flow, LLM")),
        Contestant("from pydantic import BaseModel", "importing.py", ("pydantic", "BaseModel")),
    ),
    (
        Ratio("import harness", "import pydantic", ("at most", 2)),
        Ratio("from harness import StreamSession", "from pydantic import BaseModel", ("at most", 2)),
        Ratio("from harness import Flow, LLM", "from pydantic import BaseModel", ("at most", 2)),
    ),
)

#: Runs in each turn: of the fast, and of those that take long.
_MANY: Final = "200"
_FEW: Final = "40"
_LANGGRAPH: Final = "langgraph"


METHODS: Final = Contest(
    "methods",
    "A flow of ten methods, one after the other",
    "runs/s",
    (
        Contestant("harness", "harness_methods.py", (_MANY, "plain")),
        Contestant("CrewAI, silent", "peers/crewai_methods.py", (_FEW, "plain"), "crewai"),
        Contestant("LangGraph", "peers/langgraph_methods.py", (_MANY, "plain"), _LANGGRAPH),
        Contestant("harness, coroutines", "harness_methods.py", (_MANY, "awaited")),
        Contestant("CrewAI, silent, coroutines", "peers/crewai_methods.py", (_FEW, "awaited"), "crewai"),
        Contestant("LangGraph, coroutines", "peers/langgraph_methods.py", (_MANY, "awaited"), _LANGGRAPH),
        Contestant("harness, streamed", "harness_methods.py", (_MANY, "streamed")),
        Contestant("LangGraph, streamed", "peers/langgraph_methods.py", (_MANY, "streamed"), _LANGGRAPH),
        Contestant("harness, @persist", "harness_methods.py", (_MANY, "persist")),
        Contestant("CrewAI, silent, @persist", "peers/crewai_methods.py", (_FEW, "persist"), "crewai"),
        Contestant("harness, checkpoints in SQLite", "harness_methods.py", (_MANY, "sqlite")),
        Contestant("harness, checkpoints as JSON", "harness_methods.py", (_MANY, "json")),
        Contestant("harness, checkpoints as lines", "harness_methods.py", (_MANY, "jsonl")),
        Contestant("CrewAI, silent, checkpoints as JSON", "peers/crewai_methods.py", (_FEW, "json"), "crewai"),
        Contestant("LangGraph, checkpoints in SQLite", "peers/langgraph_methods.py", (_MANY, "sqlite"), _LANGGRAPH),
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


FIRST_FRAME: Final = Contest(
    "first-frame",
    "The first frame of a flow of ten methods",
    "ms",
    (
        Contestant("harness", "harness_methods.py", (_MANY, "first-frame")),
        Contestant("CrewAI, silent", "peers/crewai_methods.py", (_FEW, "first-frame"), "crewai"),
    ),
    (Ratio("harness", "CrewAI, silent"),),
)

#: Crews that run in a turn, and at once.
_CREWS: Final = "400"
_AT_ONCE: Final = "100"


CREWS: Final = Contest(
    "crews",
    "A crew of two tasks, one after the other; 100 of them at once",
    "runs/s",
    (
        Contestant("harness", "harness_crews.py", (_CREWS, "plain")),
        Contestant("CrewAI, silent", "peers/crewai_crews.py", (_FEW, "plain"), "crewai"),
        Contestant("harness, streamed", "harness_crews.py", (_CREWS, "streamed")),
        Contestant("harness, at once", "harness_crews.py", (_AT_ONCE, "at-once")),
        Contestant("CrewAI, silent, at once", "peers/crewai_crews.py", (_AT_ONCE, "at-once"), "crewai"),
    ),
    (
        Ratio("harness", "CrewAI, silent", ("at least", 10)),
        Ratio("harness, at once", "CrewAI, silent, at once"),
        Ratio("harness, streamed", "harness"),
    ),
)

TURNS: Final = Contest(
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


#: The 10th turn of a conversation beside its 1,000th, in which a handler answers.
LATE_TURNS: Final = Contest(
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
