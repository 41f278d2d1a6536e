"""Claims about the options of crews and tasks: what is refused, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from harness import Agent, Crew, Process, Task, TaskOutput, UsageError
from tests.agents.scripted import Speaker, agent, tide
from tests.crews.pilots import task

PILOT = agent("x")
OTHER = task("Other.", PILOT)


def late_context() -> Crew:
    first = task("First.", PILOT)
    crew = Crew(agents=[], tasks=[first, OTHER])
    first.context = [OTHER]
    return crew


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a task without agent": (
        lambda: Crew(agents=[], tasks=[Task(description="Look.", expected_output="It.")]),
        r"tasks\[0\], 'Look.', has no agent, and there is no manager",
    ),
    "a task alone without agent": (
        lambda: task("Look.", None).execute_sync(),
        "'Look.' is done by an Agent, not by None",
    ),
    "a task alone without an agent of ours": (
        lambda: task("Look.", None).execute_sync(agent=cast("Any", "pilot")),
        "'Look.' is done by an Agent, not by 'pilot'",
    ),
    "a hierarchy without manager": (
        lambda: Crew(agents=[PILOT], tasks=[OTHER], process=Process.hierarchical),
        "a hierarchical crew has a manager",
    ),
    "a manager with tools": (
        lambda: Crew(agents=[], tasks=[], process=Process.hierarchical, manager_agent=agent("x", tools=[tide])),
        "the manager_agent has tools of its own",
    ),
    "a manager among the agents": (
        lambda: Crew(agents=[PILOT], tasks=[], process=Process.hierarchical, manager_agent=PILOT),
        "the manager_agent is among the agents",
    ),
    "context from later": (
        lambda: Crew(agents=[], tasks=[task("First.", PILOT, context=[OTHER]), OTHER]),
        "has 'Other.' as context, which is no task before it",
    ),
    "context from later, set late": (lambda: late_context().kickoff(), "has 'Other.' as context, which is no task"),
    "two forms": (lambda: task("x", PILOT, output_json=TaskOutput, output_pydantic=TaskOutput), "one form of answer"),
    "a file outside": (lambda: task("x", PILOT, output_file="../tide.md"), "inside the current folder"),
    "a file at home": (lambda: task("x", PILOT, output_file="~/tide.md"), "no '~' or '.' is expanded"),
    "one agent": (
        lambda: Crew(agents=PILOT, tasks=[OTHER]),  # type: ignore[arg-type]
        "^Crew: agents: expected a list, not Agent$",
    ),
    "the other way round": (
        lambda: Crew(agents=[OTHER], tasks=[PILOT]),  # type: ignore[list-item]
        r"^Crew: agents\[0\]: expected an Agent, not Task; tasks\[0\]: expected a Task, not Agent$",
    ),
    "nearly an option": (
        lambda: Crew(agents=[], tasks=[], task_callbacks=[]),  # type: ignore[call-arg]
        "did you mean 'task_callback'",
    ),
    "what is not there": (
        lambda: Crew(agents=[], tasks=[], memory=True),  # type: ignore[call-arg]
        "memory is no part of this runtime",
    ),
    "no tasks": (lambda: Crew(agents=[PILOT]).kickoff(), "no tasks"),
    "a guardrail of two": (
        lambda: task("x", PILOT, guardrails=["Is short.", lambda output, inputs: (True, output)]),
        r"with the output alone, and <lambda>\(output, inputs\) is not to be: missing a required argument: 'inputs'",
    ),
    "an agent's guardrail of none": (
        lambda: Agent(role="r", goal="g", backstory="b", guardrail=lambda: (True, "")),
        "alone",
    ),
    "inputs of one run": (
        lambda: Crew(agents=[], tasks=[OTHER]).kickoff_for_each(cast("Any", {"place": "Bergen"})),
        "expected a list with the inputs of each run, and a dict came",
    ),
    "files": (lambda: Crew(agents=[], tasks=[OTHER]).kickoff(input_files={"a": 1}), "given no files"),
    "a checkpoint": (lambda: Crew(agents=[], tasks=[OTHER]).kickoff(from_checkpoint=True), "have no checkpoints"),
}


@pytest.mark.parametrize(("make", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()


def test_none_is_no_tools_and_no_flag() -> None:
    pilot = agent("yes", tools=None)
    made = task("Look.", pilot, tools=None, async_execution=None, human_input=None, markdown=None)
    assert (pilot.tools, made.tools) == ([], [])
    assert (made.async_execution, made.human_input, made.markdown) == (False, False, False)


def test_options_may_stand_in_a_dict() -> None:
    pilot = Agent(
        config={"role": "Pilot", "goal": "g", "backstory": "b", "max_iter": 3}, llm=Speaker("yes"), max_iter=4
    )  # type: ignore[call-arg]
    made = Task(config={"description": "Look at {place}.", "expected_output": "It."}, agent=pilot)  # type: ignore[call-arg]
    assert (pilot.role, pilot.max_iter) == ("Pilot", 4)
    assert Crew(agents=[pilot], tasks=[made]).kickoff(inputs={"place": "Bergen"}).raw == "yes"
