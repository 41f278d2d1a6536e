"""Runs of a flow of ten methods, one after the other.

Usage: harness_methods.py RUNS WHAT; prints runs per second, of 'plain', 'awaited' (ten coroutines), 'streamed' (its frames
read), 'persist' (saved in SQLite after each method), 'json', 'jsonl' or 'sqlite' (a checkpoint after each method); with
'first-frame', milliseconds until the first frame of a streamed run.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.flow import (
    CheckpointConfig,
    Flow,
    JsonLinesProvider,
    JsonProvider,
    SQLiteFlowPersistence,
    SqliteProvider,
    listen,
    persist,
    start,
)

METHODS = 10
PROVIDERS: dict[str, Any] = {"json": JsonProvider, "jsonl": JsonLinesProvider, "sqlite": SqliteProvider}


def flow_class(*, awaited: bool) -> type[Flow]:
    """Return a class whose methods each add one to what they get."""
    names = [f"m{number}" for number in range(METHODS)]

    def method(name: str) -> Any:
        def add(self: Any, value: int = 0) -> int:
            return value + 1

        async def aadd(self: Any, value: int = 0) -> int:
            return value + 1

        made: Any = aadd if awaited else add
        made.__name__ = name
        return made

    body = {name: (listen(names[at - 1]) if at else start())(method(name)) for at, name in enumerate(names)}
    return type("Ten", (Flow,), body)


def main(runs: int, what: str, folder: Path) -> float:
    cls = flow_class(awaited=what == "awaited")
    options: dict[str, Any] = {}
    if what == "persist":
        cls = persist(SQLiteFlowPersistence(folder / "states.db"))(cls)
    elif what in PROVIDERS:
        provider = PROVIDERS[what]()
        options["checkpoint"] = CheckpointConfig(
            location=str(folder / "kept"), provider=provider, on_events=["method_execution_finished"]
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
    return runs / (time.perf_counter() - began)


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
    # Whoever runs the contest removes it.
    print(main(int(sys.argv[1]), sys.argv[2], Path(tempfile.mkdtemp())))
