"""Crews of any runtime that has the public names of the reference: how they are built, and run inside flows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from conformance.stage.programs import GREETING, CrewProgram, Nest, Script, ScriptedToolCall, TaskProgram, ToolProgram
from conformance.subjects.names import Names
from conformance.subjects.subject import Performance

#: Of every crew, as its events name it.
CREW_NAME: Final = "ProbeCrew"
#: The tool by which a manager has an agent of its crew do something, as its model knows it, and what it is given.
DELEGATION: Final = "delegate_work_to_coworker"


def crew_of(names: Names, llm: Any, program: CrewProgram, performance: Performance, *, stream: bool) -> Any:
    """Return the crew of a program, whose agent asks `llm`: each task's description names the script of its answer."""
    limits = {} if program.max_iter is None else {"max_iter": program.max_iter}

    def made() -> Any:
        return names.Agent(
            role=program.role,
            goal="Answer what is asked.",
            backstory="It belongs to a test.",
            llm=llm,
            max_retry_limit=0,
            tools=[_tool(names, task.tool, task, performance) for task in program.tasks if task.tool is not None],
            **limits,
        )

    agent = made()
    # One agent does one thing at a time: tasks that begin together have agents of their own.
    doers = [made() if task.is_async else agent for task in program.tasks]
    managed = {} if program.manager is None else {"process": names.Process.hierarchical, "manager_llm": llm}
    tasks = [
        names.Task(
            name=task.name,
            description=f"Answer. {performance.provider.prompt_for(_first_script(program, task, performance))}",
            expected_output="An answer.",
            **({"async_execution": True} if task.is_async else {}),
            **({"guardrail": _guardrail(task.refused)} if task.refused else {}),
            **({} if managed else {"agent": doer}),
        )
        for task, doer in zip(program.tasks, doers, strict=True)
    ]
    agents = [agent, *(doer for doer in doers if doer is not agent)]
    return names.Crew(name=CREW_NAME, agents=agents, tasks=tasks, stream=stream, **managed)


def _guardrail(refused: int) -> Callable[[Any], tuple[bool, Any]]:
    left = refused

    def passes(output: Any) -> tuple[bool, Any]:
        nonlocal left
        left -= 1
        return (False, "It has to be said once more.") if left >= 0 else (True, output.raw)

    # They are text here, and a runtime may look at them for the types that they name.
    passes.__annotations__.clear()
    return passes


def _first_script(program: CrewProgram, task: TaskProgram, performance: Performance) -> Script:
    """Return what the first model says: it calls the task's tool, or delegates the task, or answers."""
    if program.manager is not None:
        return Script((delegated(program, task, performance),))
    return task.script if task.tool is None else Script((called_by(task.tool),))


def delegated(program: CrewProgram, task: TaskProgram, performance: Performance) -> ScriptedToolCall:
    """Return the manager's call that has the agent do a task: the agent is told its script, and its answer the next one."""
    prompt_for = performance.provider.prompt_for
    answer = Script((*task.script.says, f" {prompt_for(program.manager or GREETING)}"))
    arguments = {"task": f"Answer. {prompt_for(answer)}", "context": "There is none.", "coworker": program.role}
    return ScriptedToolCall(DELEGATION, (json.dumps(arguments),))


def called_by(tool: ToolProgram) -> ScriptedToolCall:
    """Return the call of a tool, whose arguments come in two pieces."""
    return ScriptedToolCall(tool.name, ('{"place": ', f'"{tool.place}"}}'))


def _tool(names: Names, tool: ToolProgram, task: TaskProgram, performance: Performance) -> Any:
    # What the tool returns is the last that the model is told, so that names the script of its answer.
    returned = f"{tool.returns} {performance.provider.prompt_for(task.script)}"

    def use(place: str) -> str:
        """Tell what there is to know of a place."""
        if tool.fails is not None:
            raise tool.fails(returned)
        return returned

    return names.tool(tool.name)(use)


def run_crew(crew: Any, step: Nest, performance: Performance) -> str:
    """Run a crew in the calling thread, and return its text; note the chunks of one that is streamed."""
    with _noting_errors(performance):
        if step.times is not None:
            return _joined(crew.kickoff_for_each(_inputs(step.times)))
        output = crew.kickoff()
        if step.streamed:
            performance.stage.note("chunks", tuple(output))
            output = output.result
    return str(output.raw)


async def arun_crew(crew: Any, step: Nest, performance: Performance) -> str:
    """Do as `run_crew`, awaiting."""
    with _noting_errors(performance):
        if step.times is not None:
            return _joined(await crew.kickoff_for_each_async(_inputs(step.times)))
        output = await crew.akickoff()
        if step.streamed:
            performance.stage.note("chunks", tuple([chunk async for chunk in output]))
            output = output.result
    return str(output.raw)


def _inputs(times: int) -> list[dict[str, Any]]:
    return [{"number": number} for number in range(times)]


def _joined(outputs: list[Any]) -> str:
    return "".join(str(output.raw) for output in outputs)


@contextmanager
def _noting_errors(performance: Performance) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        performance.stage.note("raised", error)
        raise
