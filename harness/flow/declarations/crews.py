"""The crews and agents that a declared method runs, made when the flow is."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from harness.agents import Agent
from harness.crews import Crew, Process, Task
from harness.errors import UsageError
from harness.flow.declarations.crew_schema import (
    AgentCall,
    CrewCall,
    DeclaredCrew,
    DeclaredCrewAgent,
    DeclaredLLM,
    DeclaredPython,
    DeclaredTask,
)
from harness.flow.declarations.errors import part
from harness.flow.declarations.references import made, referenced
from harness.flow.declarations.source import DeclarationSource, declaration_text
from harness.flow.declarations.templates import template
from harness.validation import fault_text

Scope: TypeAlias = Mapping[str, Any]
_TEXTS = {"role", "goal", "backstory"}


def crew_action(call: CrewCall, roots: Collection[str], folder: Path) -> Callable[[Scope], Awaitable[Any]]:
    """Return what runs the crew of a call; a file that it names is looked for in `folder`.

    Raises:
        PartError: something that it names is not there, or the crew can't be made.
    """
    inline = call.crew
    if inline is None:
        declared = part(lambda: _read(str(call.from_declaration), folder), "from_declaration")
        crew = part(lambda: _crew(declared), "from_declaration")
    else:
        declared, crew = inline, part(lambda: _crew(inline), "with")
    inputs = part(lambda: template(call.inputs, roots), "inputs")

    async def run(scope: Scope) -> Any:
        return await crew.kickoff_async(inputs={**declared.inputs, **inputs(scope)})

    return run


def agent_action(call: AgentCall, roots: Collection[str]) -> Callable[[Scope], Awaitable[Any]]:
    """Return what asks the agent of a call. Raises PartError as `crew_action`."""
    declared = call.agent
    agent = part(lambda: _agent(declared), "with")
    prompt = part(lambda: template(declared.input, roots), "with", "input")
    named = declared.response_format
    form = None if named is None else part(lambda: referenced(named.ref), "with", "response_format")

    async def run(scope: Scope) -> Any:
        messages = prompt(scope)
        conversation = messages if isinstance(messages, str | list) else str(messages)
        return await agent.kickoff_async(conversation, response_format=form)

    return run


def _read(named: str, folder: Path) -> DeclaredCrew:
    root = folder.resolve()
    path = Path(os.path.realpath(root / named))
    if not path.is_relative_to(root):
        raise UsageError(f"{named!r} leads out of the folder of the flow")
    try:
        text = declaration_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{named!r} can't be read: {error}") from error
    source = DeclarationSource(text, named)
    try:
        return DeclaredCrew.model_validate(source.value)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        problem = source.problem(found["loc"], fault_text(found))
        raise UsageError(problem.in_file(named)) from error


def _crew(declared: DeclaredCrew) -> Crew:
    agents = {name: _agent(agent) for name, agent in declared.agents.items()}
    tasks: dict[str, Task] = {}
    all_tasks = []
    for declared_task in declared.tasks:
        task = _task(declared_task, agents, tasks)
        all_tasks.append(task)
        if declared_task.name is not None:
            tasks[declared_task.name] = task
    manager = None if declared.manager_agent is None else agents.pop(declared.manager_agent)
    options = declared.model_dump(include={"name", "cache", "max_rpm", "verbose"}, exclude_none=True)
    return Crew(
        **{
            **options,
            "agents": list(agents.values()),
            "tasks": all_tasks,
            "manager_agent": manager,
            "manager_llm": _llm(declared.manager_llm),
            "process": Process(declared.process or Process.sequential),
        },
    )


def _agent(declared: DeclaredCrewAgent) -> Agent:
    limits = {"allow_delegation", "max_iter", "max_rpm", "max_execution_time"}
    options = declared.model_dump(include=_TEXTS | limits, exclude_none=True)
    own = {"llm": _llm(declared.llm), "tools": [made(ref) for ref in declared.tools]}
    return Agent(**{**declared.settings, **options, **own})


def _task(declared: DeclaredTask, agents: Mapping[str, Agent], before: Mapping[str, Task]) -> Task:
    python = {"output_json", "output_pydantic", "guardrail"}
    options = declared.model_dump(exclude=python | {"agent", "context", "tools"}, exclude_none=True)
    for name in python:
        value = getattr(declared, name)
        if value is not None:
            options[name] = referenced(value.ref) if isinstance(value, DeclaredPython) else value
    if declared.context is not None:
        options["context"] = [before[name] for name in declared.context]
    own = {
        "agent": None if declared.agent is None else agents[declared.agent],
        "tools": [made(ref) for ref in declared.tools],
    }
    return Task(**{**options, **own})


def _llm(declared: DeclaredLLM | None) -> Any:
    return made(declared.ref) if isinstance(declared, DeclaredPython) else declared
