"""Runs of a crew of two tasks, whose model answers at once.

Usage, with the runtime's interpreter: crews.py harness|crewai RUNS WHAT; prints runs per second, 'plain' (one after the
other), 'streamed' (its frames read) or 'at-once' (so many by `kickoff_for_each_async`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.argv[1] == "harness":
    from harness import Agent, BaseLLM, Crew, Task, event_bus
else:
    os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")
    from crewai import Agent, BaseLLM, Crew, Task
    from crewai.events import crewai_event_bus as event_bus

REPLY = "It is."


class Speaker(BaseLLM):
    """Answers at once."""

    def call(self, messages: Any, *arguments: Any, **options: Any) -> str:
        return REPLY


def made() -> Crew:
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
    # CrewAI's own listeners, which show each step in the terminal, are off.
    with event_bus.scoped_handlers():
        print(main(int(sys.argv[2]), sys.argv[3]))
