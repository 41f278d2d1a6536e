"""Claims about managers, and agents that delegate: whom they have, and whose the work is."""

from __future__ import annotations

import pytest

from harness import Crew, Process, Task
from tests.agents.scripted import WAYS, Answer, Speaker, Way, agent, calls, session_of, sink, tide, tree
from tests.crews.pilots import task


def delegating(**arguments: str) -> Answer:
    name = "delegate_work_to_coworker" if "task" in arguments else "ask_question_to_coworker"
    return calls((name, arguments))


@pytest.mark.parametrize("way", WAYS)
def test_a_manager_hands_work_to_the_agents_of_its_crew(way: Way) -> None:
    manager = Speaker(
        delegating(task="Look.", context="At Bergen.", coworker="pilot"),
        delegating(question="How deep?", context="At Bergen.", coworker="[Diver]"),
        "High, and deep.",
    )
    pilot = agent(calls(("get_tide", {"place": "Bergen"})), "It is high.", tools=[tide])
    diver = agent("It is deep.", role="Diver")
    made = Task(description="Describe Bergen.", expected_output="All of it.", name="describe")
    crew = Crew(agents=[pilot, diver], tasks=[made], process=Process.hierarchical, manager_llm=manager)
    frames, result = session_of(crew, way)

    assert result.raw == "High, and deep."
    assert result.tasks_output[0].agent == "Crew Manager"
    assert manager.said_to(1)[-1] == "It is high."
    assert manager.said_to(2)[-1] == "It is deep."
    assert "At Bergen." in pilot.llm.said_to(0)[1]
    call = ["llm_call_started", "llm_call_completed"]
    used = ["tool_usage_started", "tool_usage_finished"]

    def at(depth: int, *rows: str) -> list[str]:
        return ["  " * depth + row for row in rows]

    assert tree(frames) == [
        "crew_kickoff_started",
        "  task_started",
        *at(2, "agent_execution_started"),
        *at(3, *call, "tool_usage_started"),
        *at(4, "agent_execution_started"),
        *at(5, *call, *used, *call),
        *at(4, "agent_execution_completed"),
        *at(3, "tool_usage_finished", *call, "tool_usage_started"),
        *at(4, "agent_execution_started"),
        *at(5, *call),
        *at(4, "agent_execution_completed"),
        *at(3, "tool_usage_finished", *call),
        *at(2, "agent_execution_completed"),
        "  task_completed",
        "crew_kickoff_completed",
    ]
    # All of it is part of the crew's task, whoever works.
    assert {frame.data["task_id"] for frame in frames if frame.channel in {"llm", "tools"}} == {made.id}
    roles = [frame.data["agent_role"] for frame in frames if frame.type == "llm_call_started"]
    assert roles == ["Crew Manager", "Pilot", "Pilot", "Crew Manager", "Diver", "Crew Manager"]
    assert result.token_usage.successful_requests == 6


@pytest.mark.parametrize("way", WAYS)
def test_tools_that_failed_in_a_coworkers_hands_are_noted_with_the_task_once(way: Way) -> None:
    manager = Speaker(delegating(task="Look.", context="At Bergen.", coworker="pilot"), "no", "yes")
    pilot = agent(calls(("sink", {"place": "Bergen"})), "It is gone.", tools=[sink])
    made = task("Describe Bergen.", None, guardrail=lambda output: (output.raw == "yes", output.raw))
    crew = Crew(agents=[pilot], tasks=[made], process=Process.hierarchical, manager_llm=manager)
    _, result = session_of(crew, way)
    (output,) = result.tasks_output
    assert [(record.tool_name, record.agent_role) for record in output.tool_failures] == [("sink", "Pilot")]
    assert result.tool_failures == output.tool_failures


def test_a_manager_of_ones_own_is_told_whom_it_has_and_of_whom_it_has_not() -> None:
    manager = agent(delegating(task="Look.", context="", coworker="Cook"), "Nobody.", role="Chief")
    crew = Crew(
        agents=[agent("x")],
        tasks=[Task(description="Look.", expected_output="It.")],
        process=Process.hierarchical,
        manager_agent=manager,
    )
    assert crew.kickoff().tasks_output[0].agent == "Chief"
    (described, _) = [tool.function.description for tool in manager.llm.requests[0].tools]
    assert described.endswith("The coworkers are: Pilot.")
    assert manager.llm.said_to(1)[-1] == "there is no coworker 'Cook'; the coworkers are: Pilot"


def test_an_agent_that_may_delegate_has_the_others_as_coworkers() -> None:
    chief = agent(
        delegating(question="How high?", context="", coworker="Pilot"), "High.", role="Chief", allow_delegation=True
    )
    pilot = agent("It is high.")
    alone = agent("I can't ask.", role="Alone")
    crew = Crew(agents=[chief, pilot, alone], tasks=[task("Look.", chief), task("Look again.", alone)])

    assert [each.raw for each in crew.kickoff().tasks_output] == ["High.", "I can't ask."]
    names = [[tool.function.name for tool in one.llm.requests[0].tools] for one in (chief, alone)]
    assert names == [["delegate_work_to_coworker", "ask_question_to_coworker"], []]
