"""Runs of LangGraph's graph of ten nodes, one after the other.

Usage, with LangGraph's interpreter: langgraph_methods.py RUNS WHAT; prints runs per second, of 'plain', 'awaited' (ten
coroutines), 'streamed' (its updates read), or 'memory' or 'sqlite' (with a checkpointer).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found]

NODES = 10


class State(TypedDict):
    value: int


def add(state: State) -> State:
    return {"value": state["value"] + 1}


async def aadd(state: State) -> State:
    return {"value": state["value"] + 1}


def main(runs: int, what: str, folder: str) -> float:
    graph = StateGraph(State)
    names = [f"n{number}" for number in range(NODES)]
    for at, name in enumerate(names):
        graph.add_node(name, aadd if what == "awaited" else add)
        graph.add_edge(names[at - 1] if at else START, name)
    graph.add_edge(names[-1], END)
    compiled = graph.compile(checkpointer=_checkpointer(what, folder))
    if what == "awaited":
        return asyncio.run(_awaited(runs, compiled))

    def run(number: int) -> Any:
        config = {"configurable": {"thread_id": str(number)}}
        if what == "streamed":
            last: Any = None
            for update in compiled.stream({"value": 0}, config, stream_mode="updates"):
                last = update
            return next(iter(last.values()))["value"]
        return compiled.invoke({"value": 0}, config)["value"]

    run(-1)
    began = time.perf_counter()
    for number in range(runs):
        if run(number) != NODES:
            sys.exit("a run did not come to its end")
    return runs / (time.perf_counter() - began)


async def _awaited(runs: int, compiled: Any) -> float:
    await compiled.ainvoke({"value": 0})
    began = time.perf_counter()
    for _ in range(runs):
        if (await compiled.ainvoke({"value": 0}))["value"] != NODES:
            sys.exit("a run did not come to its end")
    return runs / (time.perf_counter() - began)


def _checkpointer(what: str, folder: str) -> Any:
    if what == "memory":
        from langgraph.checkpoint.memory import InMemorySaver  # type: ignore[import-not-found]

        return InMemorySaver()
    if what == "sqlite":
        import sqlite3

        from langgraph.checkpoint.sqlite import SqliteSaver  # type: ignore[import-not-found]

        return SqliteSaver(sqlite3.connect(f"{folder}/kept.db", check_same_thread=False))
    return None


if __name__ == "__main__":
    # Whoever runs the contest removes it.
    print(main(int(sys.argv[1]), sys.argv[2], tempfile.mkdtemp()))
