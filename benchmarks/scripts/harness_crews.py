"""Runs of a crew of two tasks, whose model answers at once.

Usage: harness_crews.py RUNS WHAT; prints runs per second, 'plain' (one after the other), 'streamed' (its frames read) or
'at-once' (so many by `kickoff_for_each_async`).
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from harness import Agent, BaseLLM, Crew, Task

REPLY = "It is."


class Speaker(BaseLLM):
    """Answers at once."""

    def call(self, messages: Any, *arguments: Any, **options: Any) -> str:
        return REPLY


def made() -> Crew:
    """Return a crew of one agent with two tasks."""
    speaker = Agent(role="Speaker", goal="Speak.", backstory="Speaks.", llm=Speaker("speaker"))
    tasks = [
        Task(description=f"{what} {{topic}}.", expected_output="A sentence.", agent=speaker)
        for what in ("Outline", "Expand")
    ]
    return Crew(agents=[speaker], tasks=tasks)


def main(runs: int, what: str) -> float:
    crew = made()
    inputs = {"topic": "a lighthouse"}

    def run() -> Any:
        if what == "streamed":
            session = crew.stream_events(inputs=inputs)
            for _ in session:
                pass
            return session.result
        return crew.kickoff(inputs=inputs)

    if what == "at-once":
        return asyncio.run(_at_once(runs, crew, inputs))
    run()
    began = time.perf_counter()
    for _ in range(runs):
        if run().raw != REPLY:
            sys.exit("a crew did not come to its end")
    return runs / (time.perf_counter() - began)


async def _at_once(runs: int, crew: Crew, inputs: dict[str, Any]) -> float:
    await crew.kickoff_async(inputs=inputs)
    began = time.perf_counter()
    outputs = await crew.kickoff_for_each_async([inputs] * runs)
    if [output.raw for output in outputs] != [REPLY] * runs:
        sys.exit("a crew did not come to its end")
    return runs / (time.perf_counter() - began)


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2]))
