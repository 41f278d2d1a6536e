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
        Contestant("harness", "methods.py", ("harness", _MANY, "plain")),
        Contestant("CrewAI, silent", "methods.py", ("crewai", _FEW, "plain"), "crewai"),
        Contestant("LangGraph", "peers/langgraph_methods.py", (_MANY, "plain"), _LANGGRAPH),
        Contestant("harness, coroutines", "methods.py", ("harness", _MANY, "awaited")),
        Contestant("CrewAI, silent, coroutines", "methods.py", ("crewai", _FEW, "awaited"), "crewai"),
        Contestant("LangGraph, coroutines", "peers/langgraph_methods.py", (_MANY, "awaited"), _LANGGRAPH),
        Contestant("harness, streamed", "methods.py", ("harness", _MANY, "streamed")),
        Contestant("LangGraph, streamed", "peers/langgraph_methods.py", (_MANY, "streamed"), _LANGGRAPH),
        Contestant("harness, @persist", "methods.py", ("harness", _MANY, "persist")),
        Contestant("CrewAI, silent, @persist", "methods.py", ("crewai", _FEW, "persist"), "crewai"),
        Contestant("harness, checkpoints in SQLite", "methods.py", ("harness", _MANY, "sqlite")),
        Contestant("harness, checkpoints as JSON", "methods.py", ("harness", _MANY, "json")),
        Contestant("harness, checkpoints as lines", "methods.py", ("harness", _MANY, "jsonl")),
        Contestant("CrewAI, silent, checkpoints as JSON", "methods.py", ("crewai", _FEW, "json"), "crewai"),
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
        Contestant("harness", "methods.py", ("harness", _MANY, "first-frame")),
        Contestant("CrewAI, silent", "methods.py", ("crewai", _FEW, "first-frame"), "crewai"),
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
        Contestant("harness", "crews.py", ("harness", _CREWS, "plain")),
        Contestant("CrewAI, silent", "crews.py", ("crewai", _FEW, "plain"), "crewai"),
        Contestant("harness, streamed", "crews.py", ("harness", _CREWS, "streamed")),
        Contestant("harness, at once", "crews.py", ("harness", _AT_ONCE, "at-once")),
        Contestant("CrewAI, silent, at once", "crews.py", ("crewai", _AT_ONCE, "at-once"), "crewai"),
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
        Contestant("harness", "turns.py", ("harness", "300", "taken")),
        Contestant("CrewAI, silent", "turns.py", ("crewai", "60", "taken"), "crewai"),
        Contestant("harness, streamed", "turns.py", ("harness", "300", "streamed")),
    ),
    (Ratio("harness", "CrewAI, silent", ("at least", 10)),),
)


#: The 10th turn of a conversation beside its 1,000th, in which a handler answers.
LATE_TURNS: Final = Contest(
    "late-turns",
    "A turn of a conversation",
    "ms",
    (
        Contestant("the 10th", "turns.py", ("harness", "10", "last")),
        Contestant("the 1,000th", "turns.py", ("harness", "1000", "last")),
        Contestant("the 10th, routed by the class", "turns.py", ("harness", "10", "routed")),
        Contestant("the 1,000th, routed by the class", "turns.py", ("harness", "1000", "routed")),
    ),
    (
        Ratio("the 1,000th", "the 10th", ("at most", 1.5)),
        Ratio("the 1,000th, routed by the class", "the 10th, routed by the class", ("at most", 1.5)),
    ),
)
