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
    #: It raises that in place of returning it.
    fails: bool = False


@dataclass(frozen=True)
class TaskProgram:
    """One task of the crew's agent, which asks its model once, and once more where that calls a tool."""

    name: str
    script: Script = GREETING
    tool: ToolProgram | None = None
    #: Whether the tasks after it begin at once.
    is_async: bool = False
    #: How often a guardrail refuses its answer before it lets the same one pass.
    refused: int = 0


@dataclass(frozen=True)
class CrewProgram:
    """A crew that does its tasks one after the other; needs the capability crew.

    Its agent does not ask again when its model refuses.
    """

    tasks: tuple[TaskProgram, ...] = (TaskProgram("greet"),)
    role: str = "Greeter"
    #: Said of the agent's LLM when it was made; None says nothing.
    stream: bool | None = None
    #: What a manager says of each task, once it has delegated it to the agent and been told the answer.
    manager: Script | None = None
    #: How often the agent may ask its model before it has to answer without tools.
    max_iter: int | None = None
