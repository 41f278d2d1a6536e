"""Crews of any runtime that has the public names of the reference: how they are built, and run inside flows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from conformance.stage.programs import CrewProgram, RunCrew, Script, ScriptedToolCall, TaskProgram, ToolProgram
from conformance.subjects.subject import Performance

#: Of every crew, as its events name it.
CREW_NAME: Final = "ProbeCrew"


@dataclass(frozen=True)
class CrewNames:
    """What crews are made of, under the names that this runtime has for it."""

    Agent: Any
    Task: Any
    Crew: Any
    #: The decorator `tool("name")`, which makes a tool of a function.
    tool: Any


def crew_of(names: CrewNames, llm: Any, program: CrewProgram, performance: Performance, *, stream: bool) -> Any:
    """Return the crew of a program, whose agent asks `llm`: each task's description names the script of its answer."""
    agent = names.Agent(
        role=program.role,
        goal="Answer what is asked.",
        backstory="It belongs to a test.",
        llm=llm,
        max_retry_limit=0,
        tools=[_tool(names, task.tool, task, performance) for task in program.tasks if task.tool is not None],
    )
    tasks = [
        names.Task(
            name=task.name,
            description=f"Answer. {performance.provider.prompt_for(_first_script(task))}",
            expected_output="An answer.",
            agent=agent,
        )
        for task in program.tasks
    ]
    return names.Crew(name=CREW_NAME, agents=[agent], tasks=tasks, stream=stream)


def _first_script(task: TaskProgram) -> Script:
    """Return what the model says first: it calls the task's tool, or answers."""
    return task.script if task.tool is None else Script((called_by(task.tool),))


def called_by(tool: ToolProgram) -> ScriptedToolCall:
    """Return the call of a tool, whose arguments come in two pieces."""
    return ScriptedToolCall(tool.name, ('{"place": ', f'"{tool.place}"}}'))


def _tool(names: CrewNames, tool: ToolProgram, task: TaskProgram, performance: Performance) -> Any:
    # What the tool returns is the last that the model is told, so that names the script of its answer.
    returned = f"{tool.returns} {performance.provider.prompt_for(task.script)}"

    def use(place: str) -> str:
        """Tell what there is to know of a place."""
        return returned

    return names.tool(tool.name)(use)


def run_crew(crew: Any, step: RunCrew, performance: Performance) -> str:
    """Run a crew in the calling thread, and return its text; note the chunks of one that is streamed."""
    with _noting_errors(performance):
        output = crew.kickoff()
        if step.streamed:
            performance.stage.note("chunks", tuple(output))
            output = output.result
    return str(output.raw)


async def arun_crew(crew: Any, step: RunCrew, performance: Performance) -> str:
    """Do as `run_crew`, awaiting."""
    with _noting_errors(performance):
        output = await crew.akickoff()
        if step.streamed:
            performance.stage.note("chunks", tuple([chunk async for chunk in output]))
            output = output.result
    return str(output.raw)


@contextmanager
def _noting_errors(performance: Performance) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        performance.stage.note("raised", error)
        raise
