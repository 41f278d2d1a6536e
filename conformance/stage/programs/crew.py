"""A crew: one agent, and what its model says to each task."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.stage.programs.script import GREETING, Script


@dataclass(frozen=True)
class ToolProgram:
    """A tool of the agent's, which takes a `place` and returns this text; the model calls it before it answers."""

    name: str
    place: str
    returns: str


@dataclass(frozen=True)
class TaskProgram:
    """One task of the crew's agent, which asks its model once, and once more where that calls a tool."""

    name: str
    script: Script = GREETING
    tool: ToolProgram | None = None


@dataclass(frozen=True)
class CrewProgram:
    """A crew that does its tasks one after the other; needs the capability crew.

    Its agent does not ask again when its model refuses.
    """

    tasks: tuple[TaskProgram, ...] = (TaskProgram("greet"),)
    role: str = "Greeter"
    #: Said of the agent's LLM when it was made; None says nothing.
    stream: bool | None = None
