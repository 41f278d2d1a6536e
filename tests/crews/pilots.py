"""Crews of pilots, their tasks, and what a task shows."""

from __future__ import annotations

from typing import Any

from harness import Agent, Crew, Task
from tests.agents.scripted import Answer, agent, tide


def task(does: str, by_agent: Agent | None, **options: Any) -> Task:
    return Task(**{"description": does, "expected_output": "An answer.", "agent": by_agent, **options})


def crew_of(*answers: Answer, tasks: int = 2, **options: Any) -> Crew:
    """Return a crew of one agent with so many tasks."""
    pilot = agent(*answers, tools=[tide])
    done = [task(f"Do {name} of {{place}}.", pilot, name=name) for name in ("outline", "expand")[:tasks]]
    return Crew(name="Pilots", agents=[pilot], tasks=done, **options)


TASK = [
    "  task_started",
    "    agent_execution_started",
    "      llm_call_started",
    "      llm_call_completed",
    "    agent_execution_completed",
    "  task_completed",
]
