"""Runs of a crew of CrewAI's of two tasks, whose model answers at once.

Usage, with CrewAI's interpreter: crewai_crews.py RUNS WHAT; prints runs per second, 'plain' (one after the other) or
'at-once' (so many by `kickoff_for_each_async`). Its own listeners, which show each step in the terminal, are off.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")

from crewai import Agent, BaseLLM, Crew, Task  # type: ignore[import-not-found]
from crewai.events import crewai_event_bus  # type: ignore[import-not-found]

REPLY = "It is."


class Speaker(BaseLLM):  # type: ignore[misc]
    """Answers at once."""

    def call(self, messages: Any, *arguments: Any, **options: Any) -> str:
        return REPLY


def made() -> Any:
    """Return a crew of one agent with two tasks."""
    speaker = Agent(role="Speaker", goal="Speak.", backstory="Speaks.", llm=Speaker(model="speaker"))
    tasks = [
        Task(description=f"{what} {{topic}}.", expected_output="A sentence.", agent=speaker)
        for what in ("Outline", "Expand")
    ]
    return Crew(agents=[speaker], tasks=tasks)


def main(runs: int, what: str) -> float:
    crew = made()
    inputs = {"topic": "a lighthouse"}
    with crewai_event_bus.scoped_handlers():
        if what == "at-once":
            return asyncio.run(_at_once(runs, crew, inputs))
        crew.kickoff(inputs=inputs)
        began = time.perf_counter()
        for _ in range(runs):
            if crew.kickoff(inputs=inputs).raw != REPLY:
                sys.exit("a crew did not come to its end")
        return runs / (time.perf_counter() - began)


async def _at_once(runs: int, crew: Any, inputs: dict[str, Any]) -> float:
    await crew.kickoff_async(inputs=inputs)
    began = time.perf_counter()
    outputs = await crew.kickoff_for_each_async([inputs] * runs)
    if [output.raw for output in outputs] != [REPLY] * runs:
        sys.exit("a crew did not come to its end")
    return runs / (time.perf_counter() - began)


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2]))
