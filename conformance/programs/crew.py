"""A crew: one agent, and what its model says to each task."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.programs.script import GREETING, Script


@dataclass(frozen=True)
class TaskProgram:
    """One task of the crew's agent, which asks its model once."""

    name: str
    script: Script = GREETING


@dataclass(frozen=True)
class CrewProgram:
    """A crew that does its tasks one after the other; needs the capability crew."""

    tasks: tuple[TaskProgram, ...] = (TaskProgram("greet"),)
    role: str = "Greeter"
