"""Claims about what a task is given: inputs, the answers of other tasks, tools."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness import BaseTool, Crew, UsageError, tool
from tests.agents.scripted import WAYS, Way, agent, calls, kicked_off, session_of, tide
from tests.crews.pilots import crew_of, task


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


def test_the_items_of_an_input_that_is_a_set_have_one_order_in_every_process() -> None:
    pilot = agent("yes")
    inputs = {"places": set("harbour"), "crewai_trigger_payload": frozenset("harbour")}
    Crew(agents=[pilot], tasks=[task("Visit {places}.", pilot)]).kickoff(inputs=inputs)
    in_order = "{'a', 'b', 'h', 'o', 'r', 'u'}"
    assert f"Visit {in_order}.\n\nWhat triggered this: {in_order}" in pilot.llm.said_to(0)[1]


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


@pytest.mark.parametrize("inputs", [None, {}, {"time": "now"}])
def test_a_callback_before_may_change_the_inputs_in_place(inputs: dict[str, Any] | None) -> None:
    pilot = agent("yes")
    crew = Crew(
        agents=[pilot],
        tasks=[task("Look at {place}.", pilot)],
        before_kickoff_callbacks=[lambda inputs: inputs.update(place="Bergen")],
    )
    given = None if inputs is None else dict(inputs)
    crew.kickoff(inputs=given)
    assert "Look at Bergen." in pilot.llm.said_to(0)[1]
    assert given == inputs


def test_inputs_that_are_no_mapping_are_refused_before_anything_runs() -> None:
    crew = crew_of(tasks=1)
    with pytest.raises(UsageError, match="inputs: expected a mapping such as .*, and a str came"):
        crew.kickoff(inputs=cast("Any", "abc"))
    crew.before_kickoff_callbacks = [lambda inputs: "abc"]
    with pytest.raises(UsageError, match="callback returns: expected a mapping such as .*, and a str came"):
        crew.kickoff()


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


def test_a_task_may_be_done_twice_and_is_told_by_what_it_came_to_before() -> None:
    pilot = agent("one", "two", "three", "four")
    first = task("First.", pilot)
    second = task("Second.", pilot, context=[first])
    Crew(agents=[pilot], tasks=[first, second, first, second]).kickoff()
    assert ["one" in pilot.llm.said_to(1)[1], "three" in pilot.llm.said_to(3)[1]] == [True, True]


def test_a_task_is_told_what_a_task_of_another_crew_came_to() -> None:
    pilot = agent("one", "two")
    first = task("First.", pilot)
    crew = Crew(agents=[pilot], tasks=[task("Second.", pilot, context=[first])])
    with pytest.raises(UsageError, match="'First.' is none of the crew's, and has not been done"):
        crew.kickoff()
    Crew(agents=[pilot], tasks=[first]).kickoff()
    crew.kickoff()
    assert "one" in pilot.llm.said_to(1)[1]


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


def test_what_a_tool_gave_is_not_told_of_another_that_has_its_name() -> None:
    class Reads(BaseTool):
        name: str = "Read"
        description: str = "Read the file."
        path: str

        def _run(self) -> str:
            return self.path

    pilots = [agent(calls(("read", {})), "read", tools=[Reads(path=path)]) for path in ("tides", "winds")]
    Crew(agents=pilots, tasks=[task("Read.", pilot) for pilot in pilots], cache=True).kickoff()
    assert [pilot.llm.said_to(1)[-1] for pilot in pilots] == ["tides", "winds"]


def test_the_requests_of_all_agents_keep_the_pace_of_the_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait(self: Any, seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("harness.agents.driver.ThreadDriver.wait", wait)
    monkeypatch.setattr("harness.agents.pace.time.monotonic", lambda: 0.0)
    one, other = agent("x"), agent("y")
    Crew(agents=[one, other], tasks=[task("A.", one), task("B.", other), task("C.", one)], max_rpm=2).kickoff()
    assert waited == [60]
