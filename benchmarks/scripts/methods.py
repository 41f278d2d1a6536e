"""Runs of a flow of ten methods, one after the other.

Usage, with the runtime's interpreter: methods.py harness|crewai RUNS WHAT; prints runs per second, of 'plain', 'awaited'
(ten coroutines), 'streamed' (its frames read), 'persist' (saved in SQLite after each method), 'json', 'jsonl' or 'sqlite' (a
checkpoint after each method; CrewAI has 'json' alone); with 'first-frame', milliseconds until the first frame of a streamed run.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

PROVIDERS: dict[str, Any] = {}
if TYPE_CHECKING or sys.argv[1] == "harness":
    from harness import CheckpointConfig, Flow, event_bus, listen, persist, start
    from harness.flow import JsonLinesProvider, SQLiteFlowPersistence, SqliteProvider

    PROVIDERS |= {"jsonl": JsonLinesProvider, "sqlite": SqliteProvider}
else:
    os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")
    from crewai import CheckpointConfig
    from crewai.events import crewai_event_bus as event_bus
    from crewai.flow.flow import Flow, listen, start
    from crewai.flow.persistence import persist
    from crewai.flow.persistence.sqlite import SQLiteFlowPersistence

METHODS = 10


def flow_class(*, awaited: bool) -> type[Flow]:
    """Return a class whose methods each add one to what they get."""
    names = [f"m{number}" for number in range(METHODS)]

    def method(name: str) -> Any:
        def add(self: Any, value: int = 0) -> int:
            return value + 1

        async def aadd(self: Any, value: int = 0) -> int:
            return value + 1

        made: Any = aadd if awaited else add
        made.__name__ = made.__qualname__ = name
        return made

    body = {name: (listen(names[at - 1]) if at else start())(method(name)) for at, name in enumerate(names)}
    return type("Ten", (Flow,), body)


def main(runs: int, what: str, folder: Path) -> float:
    cls = flow_class(awaited=what == "awaited")
    options: dict[str, Any] = {}
    if what == "persist":
        cls = persist(SQLiteFlowPersistence(str(folder / "states.db")))(cls)
    elif what in ("json", *PROVIDERS):
        # That of JSON is the one that both have where none is named.
        provider = {"provider": PROVIDERS[what]()} if what in PROVIDERS else {}
        options["checkpoint"] = CheckpointConfig(
            location=str(folder / "kept"), on_events=["method_execution_finished"], **provider
        )
    if what == "first-frame":
        return _first_frame(runs, cls)

    def run() -> Any:
        flow = cls(**options)
        if what == "streamed":
            session = flow.stream_events()
            for _ in session:
                pass
            return session.result
        return flow.kickoff()

    if what == "awaited":
        return asyncio.run(_awaited(runs, cls))
    run()
    began = time.perf_counter()
    for _ in range(runs):
        if run() != METHODS:
            sys.exit("a run did not come to its end")
    # CrewAI's checkpoints are written in a pool of threads, some after their run has ended.
    event_bus.flush()
    taken = runs / (time.perf_counter() - began)
    if what == "json" and len(list(folder.rglob("*.json"))) < runs * METHODS:
        sys.exit("a checkpoint was not written")
    return taken


async def _awaited(runs: int, cls: type[Flow]) -> float:
    await cls().kickoff_async()
    began = time.perf_counter()
    for _ in range(runs):
        if await cls().kickoff_async() != METHODS:
            sys.exit("a run did not come to its end")
    return runs / (time.perf_counter() - began)


def _first_frame(runs: int, cls: type[Flow]) -> float:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        with cls().stream_events() as session:
            next(iter(session))
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1_000


if __name__ == "__main__":
    # CrewAI's own listeners, which show each step in the terminal, are off, but for those that write checkpoints. Whoever
    # runs the contest removes the folder.
    with event_bus.scoped_handlers():
        print(main(int(sys.argv[2]), sys.argv[3], Path(tempfile.mkdtemp())))
