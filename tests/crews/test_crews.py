"""Claims about crews: what their runs show, who does which task, and what each task is told."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel

from harness import Agent, Crew, CrewOutput, Process, StreamFrame, Task, TaskOutput, UsageError, event_bus, tool
from harness.agents import AgentFinish, GuardrailError
from harness.crews import OutputFormat
from harness.events import LLMStreamChunkEvent
from tests.agents.scripted import (
    WAYS,
    Answer,
    AsyncSpeaker,
    Held,
    Speaker,
    Way,
    agent,
    by,
    calls,
    kicked_off,
    session_of,
    tide,
    tree,
)


def task(does: str, by_agent: Agent | None, **options: Any) -> Task:
    return Task(**{"description": does, "expected_output": "An answer.", "agent": by_agent, **options})


def crew_of(*answers: Answer, tasks: int = 2, **options: Any) -> Crew:
    """Return a crew of one agent with so many tasks."""
    pilot = agent(*answers)
    names = ["outline", "expand", "polish"][:tasks]
    done = [task(f"Do {name}.", pilot, name=name) for name in names]
    return Crew(name="Pilots", agents=[pilot], tasks=done, **options)


TASK = [
    "  task_started",
    "    agent_execution_started",
    "      llm_call_started",
    "      llm_call_completed",
    "    agent_execution_completed",
    "  task_completed",
]


def inside(rows: list[str]) -> list[str]:
    return [f"  {row}" for row in rows]


# One after the other.


@pytest.mark.parametrize("way", WAYS)
def test_a_run_shows_its_tasks_one_after_the_other(way: Way) -> None:
    crew = crew_of("A lighthouse.", "It is tall.")
    frames, result = session_of(crew, way)

    assert tree(frames) == ["crew_kickoff_started", *TASK, *TASK, "crew_kickoff_completed"]
    assert isinstance(result, CrewOutput)
    assert (result.raw, str(result)) == ("It is tall.", "It is tall.")
    assert [(each.name, each.raw, each.agent) for each in result.tasks_output] == [
        ("outline", "A lighthouse.", "Pilot"),
        ("expand", "It is tall.", "Pilot"),
    ]
    assert (result.token_usage.total_tokens, result.token_usage.successful_requests) == (26, 2)
    assert crew.usage_metrics == result.token_usage
    assert [made.output for made in crew.tasks] == result.tasks_output


@pytest.mark.parametrize("way", WAYS)
def test_every_event_of_a_task_says_whose_it_is(way: Way) -> None:
    pilot = agent(calls(("get_tide", {"place": "Bergen"})), "It is high.", tools=[tide])
    made = task("Look.", pilot, name="look")
    frames, _ = session_of(Crew(agents=[pilot], tasks=[made]), way)

    def names(frame: StreamFrame) -> tuple[Any, ...]:
        return tuple(frame.data[name] for name in ("task_id", "task_name", "agent_id", "agent_role"))

    by_channel = {
        channel: {names(frame) for frame in frames if frame.channel == channel} for channel in ("llm", "tools")
    }
    whose = {(made.id, "look", pilot.id, "Pilot")}
    assert by_channel == {"llm": whose, "tools": whose}
    started = next(frame for frame in frames if frame.type == "task_started")
    assert started.data["task"] == {
        "id": made.id,
        "name": "look",
        "description": "Look.",
        "expected_output": "An answer.",
    }
    ended = frames[-1].data
    assert (ended["crew_name"], ended["output"]["raw"], ended["total_tokens"]) == ("crew", "It is high.", 20)


def test_a_frame_of_a_crew_holds_no_key_of_its_models() -> None:
    pilot = agent(llm=Speaker("yes", api_key="sk-secret"), tools=[tide])
    frames, _ = session_of(Crew(agents=[pilot], tasks=[task("Look.", pilot)]), "sync")
    assert not any("sk-secret" in frame.model_dump_json() for frame in frames)


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_fails_ends_the_run_with_its_error(way: Way) -> None:
    error = ValueError("no")
    crew = crew_of("A lighthouse.", error)
    crew.agents[0].max_retry_limit = 0
    frames, result = session_of(crew, way)

    assert result is error
    assert tree(frames)[-5:] == [
        "      llm_call_started",
        "      llm_call_failed",
        "    agent_execution_error",
        "  task_failed",
        "crew_kickoff_failed",
    ]
    assert {frame.data["error_type"] for frame in frames if "error_type" in frame.data} == {"ValueError"}


# Inputs.


@pytest.mark.parametrize("way", WAYS)
def test_inputs_take_their_places_and_change_nothing_that_is_shared(way: Way) -> None:
    pilot = agent("yes", role="{kind} pilot", goal="Know {place}.", tools=[tide])
    made = task('Look at {place}, as in {{}} or {"a": 1}.', pilot, expected_output="About {place}.")
    crew = Crew(agents=[pilot], tasks=[made])
    frames, result = session_of(crew, way, inputs={"kind": "Old", "place": "Bergen"})

    said = pilot.llm.said_to(0)
    assert "You are Old pilot." in said[0]
    assert "Know Bergen." in said[0]
    assert 'Look at Bergen, as in {{}} or {"a": 1}.' in said[1]
    assert "About Bergen." in said[1]
    assert result.tasks_output[0].agent == "Old pilot"
    assert {frame.data["agent_role"] for frame in frames if frame.channel == "llm"} == {"Old pilot"}
    assert {frame.data["agent_id"] for frame in frames if frame.channel == "llm"} == {pilot.id}
    assert frames[0].data["inputs"] == {"kind": "Old", "place": "Bergen"}
    assert frames[0].data["crew"] == frames[-1].data["crew"] == {"name": None}
    assert (pilot.role, made.description[:15]) == ("{kind} pilot", "Look at {place}")


def test_an_input_that_is_missing_is_named_and_nothing_is_run() -> None:
    pilot = agent("yes")
    crew = Crew(agents=[pilot], tasks=[task("Look at {place}.", pilot, name="look")])
    with pytest.raises(UsageError, match="the description of the task 'look' wants the input 'place'"):
        crew.kickoff(inputs={"time": "now"})
    assert pilot.llm.requests == []


def test_callbacks_before_change_the_inputs_and_those_after_the_output() -> None:
    pilot = agent("yes")
    crew = Crew(
        agents=[pilot],
        tasks=[task("Look at {place}.", pilot)],
        before_kickoff_callbacks=[lambda inputs: {**inputs, "place": "Bergen"}, lambda inputs: None],
        after_kickoff_callbacks=[lambda output: output.model_copy(update={"raw": output.raw.upper()})],
    )
    assert crew.kickoff(inputs={"time": "now"}).raw == "YES"
    assert "Look at Bergen." in pilot.llm.said_to(0)[1]


# Context.


@pytest.mark.parametrize("way", WAYS)
def test_a_task_is_told_the_answers_that_it_needs(way: Way) -> None:
    pilot = agent("one", "two", "three", "four", "five")
    first, second = task("First.", pilot), task("Second.", pilot)
    tasks = [
        first,
        second,
        task("Third, after all.", pilot),
        task("Fourth, after the first.", pilot, context=[first]),
        task("Fifth, alone.", pilot, context=[]),
    ]
    kicked_off(Crew(agents=[pilot], tasks=tasks), way)

    told = [
        [answer for answer in ("one", "two", "three") if f"\n{answer}" in pilot.llm.said_to(n)[1]] for n in range(5)
    ]
    assert told == [[], ["one"], ["one", "two"], ["one"], []]


# Beside each other.


@pytest.mark.parametrize("way", WAYS)
def test_async_tasks_work_beside_each_other_and_are_waited_for(way: Way) -> None:
    slow, quick = Held("slow"), Held("quick")
    one, other, last = agent(slow), agent(quick), agent("both")
    tasks = [
        task("Slow.", one, name="slow", async_execution=True),
        task("Quick.", other, name="quick", async_execution=True),
        task("Last.", last, name="last"),
    ]

    def release() -> None:
        # Both have begun before either may end.
        assert slow.reached.wait(30)
        assert quick.reached.wait(30)
        quick.let_go.set()
        slow.let_go.set()

    threading.Thread(target=release).start()
    frames, result = session_of(Crew(agents=[one, other, last], tasks=tasks), way)

    assert [each.raw for each in result.tasks_output] == ["slow", "quick", "both"]
    assert "slow\n\n---\n\nquick" in last.llm.said_to(0)[1]
    assert sorted(tree(frames)) == sorted(["crew_kickoff_started", *TASK * 3, "crew_kickoff_completed"])
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_names_another_as_context_waits_for_that_one_alone(way: Way) -> None:
    held = Held("late")
    one, other, third = agent(held), agent("early"), agent("third")
    late = task("Late.", one, async_execution=True)
    early = task("Early.", other, async_execution=True)
    needs = task("Third.", third, context=[early], callback=lambda output: held.let_go.set())
    result = kicked_off(Crew(agents=[one, other, third], tasks=[late, early, needs]), way)

    assert [each.raw for each in result.tasks_output] == ["late", "early", "third"]


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_fails_stops_those_beside_it(way: Way) -> None:
    held = Held()
    one, other = agent(held), agent(ValueError("no"), max_retry_limit=0)
    made = task("Held.", one, async_execution=True)

    crew = Crew(agents=[one, other], tasks=[made, task("Fails.", other)])
    crew.tasks[1].context = []
    frames, error = session_of(crew, way)
    held.let_go.set()

    assert isinstance(error, ValueError)
    ended = [frame.type for frame in frames]
    assert ended.count("task_failed") == ended.count("task_started")
    assert ended[-1] == "crew_kickoff_failed"


# Structured answers and files.


class Tide(BaseModel):
    place: str
    metres: float


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["output_pydantic", "output_json", "response_model"])
def test_a_structured_answer(form: str, way: Way) -> None:
    pilot = agent('{"place": "Bergen", "metres": 1.5}')
    result = kicked_off(Crew(agents=[pilot], tasks=[task("Look.", pilot, **{form: Tide})]), way)
    output = result.tasks_output[0]

    assert result.to_dict() == {"place": "Bergen", "metres": 1.5}
    assert result["place"] == "Bergen"
    if form == "output_json":
        assert (output.output_format, output.pydantic) == (OutputFormat.JSON, None)
        assert result.json == '{"place": "Bergen", "metres": 1.5}'
    else:
        assert (output.output_format, output.json_dict) == (OutputFormat.PYDANTIC, None)
        assert result.pydantic == Tide(place="Bergen", metres=1.5)
        with pytest.raises(UsageError, match="no JSON output"):
            result.json  # noqa: B018


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_written_to_its_file(way: Way, tmp_path: Path) -> None:
    pilot = agent("It is high.", '{"place": "Bergen", "metres": 1.5}')
    tasks = [
        task("Look.", pilot, output_file=f"{tmp_path}/{{place}}/tide.md"),
        task("Look.", pilot, output_file=f"{tmp_path}/tide.json", output_json=Tide),
    ]
    kicked_off(Crew(agents=[pilot], tasks=tasks), way, inputs={"place": "Bergen"})
    assert (tmp_path / "Bergen/tide.md").read_text() == "It is high."
    assert (tmp_path / "tide.json").read_text() == '{\n  "place": "Bergen",\n  "metres": 1.5\n}'


def test_an_input_leads_no_file_out_of_its_folder(tmp_path: Path) -> None:
    pilot = agent("It is high.")
    made = task("Look at {place}.", pilot, output_file=f"{tmp_path}/in/{{place}}.md")
    with pytest.raises(UsageError, match="leads out of its folder"):
        Crew(agents=[pilot], tasks=[made]).kickoff(inputs={"place": "../out"})
    assert list(tmp_path.iterdir()) == []


# Who looks at answers.


@pytest.mark.parametrize("way", WAYS)
def test_a_task_is_done_again_until_its_guardrails_let_it_pass(way: Way) -> None:
    def short(output: TaskOutput) -> tuple[bool, Any]:
        return (True, output.raw) if len(output.raw) < 6 else (False, "too long")

    def loud(output: TaskOutput) -> tuple[bool, Any]:
        return True, output.raw.upper()

    pilot = agent("very long", "short")
    made = task("Say it.", pilot, guardrails=[short, loud])
    frames, result = session_of(Crew(agents=[pilot], tasks=[made]), way)

    assert result.raw == "SHORT"
    assert pilot.llm.said_to(1)[-2] == "very long"
    assert "too long" in pilot.llm.said_to(1)[-1]
    execution = TASK[1:-1]
    rail = ["    llm_guardrail_started", "    llm_guardrail_completed"]
    assert tree(frames) == [
        "crew_kickoff_started",
        "  task_started",
        *execution,
        *rail,
        *execution,
        *rail,
        *rail,
        "  task_completed",
        "crew_kickoff_completed",
    ]
    completed = [frame.data for frame in frames if frame.type == "llm_guardrail_completed"]
    assert [(each["success"], each["error"], each["retry_count"]) for each in completed] == [
        (False, "too long", 0),
        (True, None, 1),
        (True, None, 0),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_never_passes_fails(way: Way) -> None:
    made = task("Say it.", agent("no"), guardrail=lambda output: (False, "wrong"), guardrail_max_retries=1)
    frames, error = session_of(Crew(agents=[], tasks=[made]), way)
    assert isinstance(error, GuardrailError)
    assert [frame.type for frame in frames][-2:] == ["task_failed", "crew_kickoff_failed"]


@pytest.mark.parametrize("way", WAYS)
def test_somebody_looks_at_an_answer_and_has_it_changed(
    way: Way, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wishes = iter(["Shorter.", "  "])
    monkeypatch.setattr("builtins.input", lambda prompt: next(wishes))
    pilot = agent("It is \x1b[31mhigh.", "High.")
    frames, result = session_of(
        Crew(name="Pilots", agents=[pilot], tasks=[task("Look.", pilot, name="look", human_input=True)]), way
    )
    assert result.raw == "High."
    assert "Shorter." in pilot.llm.said_to(1)[-1]
    asked = [frame for frame in frames if frame.channel == "flow"]
    assert [frame.type for frame in asked] == ["human_feedback_requested", "human_feedback_received"] * 2
    assert [frame.data["feedback"] for frame in asked[1::2]] == ["Shorter.", "  "]
    assert asked[0].namespace[:3] == ("flow", "Pilots", "look")
    # What a terminal obeys is shown, not done.
    assert "\\x1b[31mhigh." in capsys.readouterr().out


@pytest.mark.parametrize("way", WAYS)
def test_callbacks_are_called_with_each_step_and_each_output(way: Way) -> None:
    noted: list[Any] = []

    async def note_later(output: TaskOutput) -> None:
        noted.append(("crew", output.raw))

    pilot = agent("It is high.")
    crew = Crew(
        agents=[pilot],
        tasks=[task("Look.", pilot, callback=lambda output: noted.append(("task", output.raw)))],
        task_callback=note_later,
        step_callback=noted.append,
    )
    kicked_off(crew, way)
    assert noted == [AgentFinish("", "It is high.", "It is high."), ("task", "It is high."), ("crew", "It is high.")]


# Managers.


def delegating(**arguments: str) -> Answer:
    name = "delegate_work_to_coworker" if "task" in arguments else "ask_question_to_coworker"
    return calls((name, arguments))


@pytest.mark.parametrize("way", WAYS)
def test_a_manager_hands_work_to_the_agents_of_its_crew(way: Way) -> None:
    manager = Speaker(
        delegating(task="Look.", context="At Bergen.", coworker="pilot"),
        delegating(question="How deep?", context="At Bergen.", coworker="Diver"),
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


# Options of crews.


def test_the_tools_of_a_task_take_the_place_of_the_agents() -> None:
    @tool("Own")
    def own() -> str:
        """The task's own."""
        return ""

    pilot = agent("yes", tools=[tide])
    Crew(agents=[pilot], tasks=[task("Look.", pilot, tools=[own]), task("Look.", pilot)]).kickoff()
    names = [[tool.function.name for tool in request.tools] for request in pilot.llm.requests]
    assert names == [["own"], ["get_tide"]]


@pytest.mark.parametrize("kept", [True, False])
def test_results_of_tools_are_kept_for_a_run_where_the_crew_says_so(kept: bool) -> None:
    used: list[str] = []

    @tool("Look at")
    def look_at(place: str) -> str:
        """Look at a place."""
        used.append(place)
        return place

    asked = calls(("look_at", {"place": "Bergen"}))
    one, other = agent(asked, "seen", tools=[look_at]), agent(asked, "seen", tools=[look_at])
    crew = Crew(agents=[one, other], tasks=[task("Look.", one), task("Look.", other)], cache=kept)
    crew.kickoff()
    assert len(used) == (1 if kept else 2)


def test_the_requests_of_all_agents_keep_the_pace_of_the_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait(self: Any, seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("harness.agents.driver.InThread.wait", wait)
    monkeypatch.setattr("harness.agents.pace.time.monotonic", lambda: 0.0)
    one, other = agent("x"), agent("y")
    Crew(agents=[one, other], tasks=[task("A.", one), task("B.", other), task("C.", one)], max_rpm=2).kickoff()
    assert waited == [60]


# For each of several inputs.


@pytest.mark.parametrize("way", WAYS)
def test_a_crew_is_run_for_each_of_several_inputs(way: Way) -> None:
    pilot = agent("yes")
    crew = Crew(agents=[pilot], tasks=[task("Look at {place}.", pilot)])
    inputs = [{"place": place} for place in ("Bergen", "Bodø", "Hammerfest")]
    outputs = by(way, lambda: crew.kickoff_for_each(inputs), lambda: crew.kickoff_for_each_async(inputs))

    assert [each.tasks_output[0].description for each in outputs] == [
        "Look at Bergen.",
        "Look at Bodø.",
        "Look at Hammerfest.",
    ]
    assert [each.token_usage.successful_requests for each in outputs] == [1, 1, 1]


def test_runs_for_each_go_on_at_once_and_one_that_fails_stops_the_others() -> None:
    arrived: list[str] = []

    class Meets(AsyncSpeaker):
        async def agenerate(self, request: Any) -> Any:
            place = str(request.messages[-1].content).split()[2]
            arrived.append(place)
            while len(arrived) < 3:
                await asyncio.sleep(0)
            if place == "Bodø.":
                raise ValueError(place)
            await asyncio.Event().wait()
            yield

    pilot = agent(llm=Meets(), max_retry_limit=0)
    crew = Crew(agents=[pilot], tasks=[task("Look at {place}.", pilot)])

    async def run() -> None:
        await crew.kickoff_for_each_async([{"place": place} for place in ("Bodø", "Bergen", "Hammerfest")])

    with pytest.raises(ValueError, match="Bodø"):
        asyncio.run(asyncio.wait_for(run(), 30))


# Alone.


@pytest.mark.parametrize("way", WAYS)
def test_a_task_can_be_done_without_a_crew(way: Way) -> None:
    made = task("Look.", agent("It is high."))
    output = by(way, made.execute_sync, made.aexecute_sync)
    assert (output.raw, made.output) == ("It is high.", output)
    assert made.execute_async().result(30).raw == "It is high."


@pytest.mark.parametrize("way", WAYS)
def test_an_agent_can_be_given_a_task(way: Way) -> None:
    pilot = agent("It is high.")
    made = Task(description="Look.", expected_output="It.")
    said = by(way, lambda: pilot.execute_task(made, "known"), lambda: pilot.aexecute_task(made, "known"))
    assert said == "It is high."
    assert pilot.llm.said_to(0)[1].endswith("\nknown")


# Making one.

PILOT = agent("x")
OTHER = task("Other.", PILOT)
BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a task without agent": (
        lambda: Crew(agents=[], tasks=[Task(description="Look.", expected_output="It.")]),
        r"tasks\[0\], 'Look.', has no agent, and there is no manager",
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
    "two forms": (lambda: task("x", PILOT, output_json=Tide, output_pydantic=Tide), "one form of answer"),
    "a file outside": (lambda: task("x", PILOT, output_file="../tide.md"), "inside the current folder"),
    "nearly an option": (
        lambda: Crew(agents=[], tasks=[], task_callbacks=[]),  # type: ignore[call-arg]
        "did you mean 'task_callback'",
    ),
    "what is not there": (
        lambda: Crew(agents=[], tasks=[], memory=True),  # type: ignore[call-arg]
        "memory is no part of this runtime",
    ),
    "no tasks": (lambda: Crew(agents=[PILOT]).kickoff(), "no tasks"),
    "files": (lambda: Crew(agents=[], tasks=[OTHER]).kickoff(input_files={"a": 1}), "given no files"),
    "a checkpoint": (lambda: Crew(agents=[], tasks=[OTHER]).kickoff(from_checkpoint=True), "have no checkpoints"),
}


@pytest.mark.parametrize(("make", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()


# Leaving.


@pytest.mark.parametrize("way", WAYS)
def test_closing_returns_while_tasks_beside_each_other_are_blocked_and_leaves_nothing(way: Way) -> None:
    held = [Held(), Held()]
    agents = [agent(each) for each in held]
    crew = Crew(agents=agents, tasks=[task("Look.", each, async_execution=True) for each in agents])

    def close() -> Any:
        session = crew.stream_events()
        next(iter(session))
        for each in held:
            assert each.reached.wait(30)
        session.close()
        return session

    async def aclose() -> Any:
        session = crew.astream()
        await anext(aiter(session))
        for each in held:
            await asyncio.to_thread(each.reached.wait, 30)
        await session.aclose()
        return session

    session = by(way, close, aclose)
    count = len(session.frames)
    for each in held:
        each.let_go.set()
    for thread in threading.enumerate():
        if thread.name.startswith("harness-"):
            thread.join(10)
    assert session.is_cancelled
    assert len(session.frames) == count
    assert [thread.name for thread in threading.enumerate() if thread.name in {"harness-task", "harness-run"}] == []


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_run_is_kept(way: Way) -> None:
    crew = crew_of("one", "two")
    frames, _ = session_of(crew, way, inputs={"topic": "frames"})
    assert len(frames) > 10
    gone = [weakref.ref(one) for one in (crew, *crew.tasks, *crew.agents, crew.agents[0].llm)]
    del crew, frames, _
    gc.collect()
    assert [one() for one in gone] == [None] * len(gone)


def test_options_may_stand_in_a_dict() -> None:
    pilot = Agent(
        config={"role": "Pilot", "goal": "g", "backstory": "b", "max_iter": 3}, llm=Speaker("yes"), max_iter=4
    )  # type: ignore[call-arg]
    made = Task(config={"description": "Look at {place}.", "expected_output": "It."}, agent=pilot)  # type: ignore[call-arg]
    assert (pilot.role, pilot.max_iter) == ("Pilot", 4)
    assert Crew(agents=[pilot], tasks=[made]).kickoff(inputs={"place": "Bergen"}).raw == "yes"


def test_crews_beside_each_other_show_their_own_frames() -> None:
    crews = [crew_of(f"{name} one", f"{name} two") for name in ("left", "right")]

    async def read(crew: Crew) -> str:
        return "".join([frame.content async for frame in crew.astream().llm])

    async def both() -> list[str]:
        return await asyncio.gather(*map(read, crews))

    assert asyncio.run(both()) == ["left oneleft two", "right oneright two"]


def test_a_listener_hears_of_one_task_alone() -> None:
    crew = crew_of("one", "two")
    heard: list[str] = []
    with event_bus.scoped_handlers():

        @event_bus.on(LLMStreamChunkEvent)
        def hear(source: Any, event: LLMStreamChunkEvent) -> None:
            if event.task_id == crew.tasks[1].id:
                heard.append(event.chunk)

        for _ in crew.stream_events():
            pass
    assert heard == ["two"]


def test_inputs_that_are_no_mapping_are_refused_before_anything_runs() -> None:
    crew = crew_of(tasks=1)
    with pytest.raises(UsageError, match="inputs: expected a mapping such as .*, and a str came"):
        crew.kickoff(inputs=cast("Any", "abc"))
