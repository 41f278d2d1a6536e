"""Claims about crews whose classes have methods of their own, or in whose classes a test has put others."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import BaseModel, PrivateAttr

from harness import Agent, Crew, Task, TaskOutput
from harness.crews import CrewStreamingOutput
from tests.agents.scripted import ASKED, WAYS, Speaker, Way, by, kicked_off, session_of, tide, tree
from tests.crews.pilots import TASK, task


class Place(BaseModel):
    name: str


class MarkingAgent(Agent):
    """Says whose the answer is, and counts."""

    done: int = 0

    def execute_task(self, task: Any, context: str | None = None, tools: Any = None) -> str:
        self.done += 1
        return f"mine: {super().execute_task(task, context, tools)}"


class LateMarkingAgent(MarkingAgent):
    async def aexecute_task(self, task: Any, context: str | None = None, tools: Any = None) -> str:
        self.done += 1
        return f"late: {await super().aexecute_task(task, context, tools)}"


class PassingAgent(Agent):
    """Adds to what the agent is told, and nothing to what it says, in a method that it has for that."""

    def execute_task(self, task: Any, context: str | None = None, tools: Any = None) -> str:
        return self._warned(task, context, tools)

    def _warned(self, task: Any, context: str | None, tools: Any) -> str:
        return super().execute_task(task, f"{context} Mind the wind.", tools)


class MarkingTask(Task):
    """Says whose the output is."""

    def execute_sync(self, agent: Agent | None = None, context: str | None = None, tools: Any = None) -> TaskOutput:
        output = super().execute_sync(agent, context, tools)
        return output.model_copy(update={"raw": f"ours: {output.raw}"})


class CountingCrew(Crew):
    """Notes its kickoffs, and adds to its inputs."""

    _kickoffs: list[str] = PrivateAttr(default_factory=list)

    def kickoff(self, inputs: Any = None, **options: Any) -> Any:  # type: ignore[override]
        self._kickoffs.append("kickoff")
        return self._at_bergen(inputs, options)

    def _at_bergen(self, inputs: Any, options: Any) -> Any:
        return super().kickoff(inputs={**(inputs or {}), "place": "Bergen"}, **options)


class LateCountingCrew(CountingCrew):
    async def kickoff_async(self, inputs: Any = None, **options: Any) -> Any:  # type: ignore[override]
        self._kickoffs.append("kickoff_async")
        return await super().kickoff_async(inputs=inputs, **options)


def pilot(kind: type[Agent], *answers: Any) -> Any:
    return kind(role="Pilot", goal="Bring ships in.", backstory="Knows the coast.", llm=Speaker(*answers))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_crew_goes_through_its_agents_execution(way: Way, side_by_side: bool) -> None:
    for kind, marks in ((MarkingAgent, ("mine", "mine")), (LateMarkingAgent, ("mine", "late"))):
        marking = pilot(kind, "It is high.")
        crew = Crew(agents=[marking], tasks=[task("Look.", marking, async_execution=side_by_side)], name="Pilots")
        frames, output = session_of(crew, way)
        assert output.raw == f"{marks[WAYS.index(way)]}: It is high."
        assert output.tasks_output[0].messages[-1]["content"] == "It is high."
        assert tree(frames) == ["crew_kickoff_started", *TASK, "crew_kickoff_completed"]
        assert marking.done == 1


@pytest.mark.parametrize("way", WAYS)
def test_what_the_run_says_holds_for_what_an_own_execution_calls(way: Way) -> None:
    passing = pilot(PassingAgent, ASKED, '{"name": "Florø"}', '{"name": "Bergen"}')
    steps: list[Any] = []
    crew = Crew(
        agents=[passing],
        tasks=[
            task(
                "Look.",
                passing,
                tools=[tide],
                output_pydantic=Place,
                guardrail=lambda output: (output.pydantic.name == "Bergen", "Only Bergen will do."),
            )
        ],
        step_callback=steps.append,
    )
    output = kicked_off(crew, way)
    assert output.pydantic == Place(name="Bergen")
    assert len(steps) == 3
    llm = passing.llm
    assert "Mind the wind." in llm.said_to(0)[1]
    assert "Only Bergen will do." in llm.said_to(2)[-1]


@pytest.mark.parametrize("way", WAYS)
def test_frames_show_the_agent_itself_where_its_own_execution_asks_by_other_methods(way: Way) -> None:
    class AskingAgent(Agent):
        def execute_task(self, task: Any, context: str | None = None, tools: Any = None) -> str:
            assert copy.copy(self) == self
            return str(self.kickoff(task.description))

    asking = pilot(AskingAgent, "It is high.")
    frames, _ = session_of(Crew(agents=[asking], tasks=[task("Look.", asking)]), way)
    (shown,) = [frame.data["agent"] for frame in frames if frame.type == "agent_execution_started"]
    assert shown["id"] == asking.id


@pytest.mark.parametrize("way", WAYS)
def test_an_execution_that_answers_itself_is_put_in_form(way: Way) -> None:
    silent = pilot(Agent, AssertionError("a model was asked"))
    crew = Crew(agents=[silent], tasks=[task("Look.", silent, output_pydantic=Place)])
    with patch.object(Agent, "execute_task", return_value='{"name": "Bergen"}') as execute:
        output = kicked_off(crew, way)
    assert (output.pydantic, output.tasks_output[0].agent) == (Place(name="Bergen"), "Pilot")
    assert sorted(execute.call_args.kwargs) == ["context", "task", "tools"]
    with patch.object(Agent, "execute_task", return_value='{"name": "Bergen"}') as execute:
        by(way, crew.tasks[0].execute_sync, crew.tasks[0].aexecute_sync)
    execute.assert_called_once_with(task=crew.tasks[0], context=None, tools=[])


@pytest.mark.parametrize("way", WAYS)
def test_a_crew_goes_through_its_tasks_execution(way: Way) -> None:
    plain = pilot(Agent, "It is high.")
    options: dict[str, Any] = {"description": "Look.", "expected_output": "An answer.", "agent": plain}
    crew = Crew(agents=[plain], tasks=[MarkingTask(**options), MarkingTask(**options)], name="Pilots")
    frames, output = session_of(crew, way)
    assert [done.raw for done in output.tasks_output] == ["ours: It is high."] * 2
    assert tree(frames) == ["crew_kickoff_started", *TASK, *TASK, "crew_kickoff_completed"]
    assert "ours: It is high." in plain.llm.said_to(1)[1]
    with patch.object(Task, "execute_sync", return_value=output.tasks_output[0]) as execute:
        assert kicked_off(Crew(agents=[plain], tasks=[task("Look.", plain)]), way).raw == "ours: It is high."
    assert execute.call_args.kwargs["agent"] == plain


Run = Callable[[Crew], Any]
#: How a crew is run.
RUNS: dict[str, tuple[Way, Run]] = {
    "kickoff": ("sync", lambda crew: kicked_off(crew, "sync")),
    "kickoff_async": ("async", lambda crew: kicked_off(crew, "async")),
    "stream_events": ("sync", lambda crew: session_of(crew, "sync")[1]),
    "astream": ("async", lambda crew: session_of(crew, "async")[1]),
    "kickoff_for_each": ("sync", lambda crew: crew.kickoff_for_each([{}])[0]),
    "kickoff_for_each_async": ("async", lambda crew: asyncio.run(crew.kickoff_for_each_async([{}]))[0]),
}
#: The same of one that streams.
STREAMED: dict[str, tuple[Way, Run]] = {
    "kickoff, streamed": ("sync", lambda crew: whole(crew, "sync")),
    "kickoff_async, streamed": ("async", lambda crew: whole(crew, "async")),
    "stream_events of one that streams": ("sync", lambda crew: session_of(crew, "sync")[1]),
}


def whole(crew: Crew, way: Way) -> Any:
    """Return the result of a streamed kickoff that is read to its end."""

    def read() -> Any:
        streaming: CrewStreamingOutput = crew.kickoff()
        assert "".join(map(str, streaming)) == "High at Bergen."
        return streaming.result

    async def aread() -> Any:
        streaming: CrewStreamingOutput = await crew.kickoff_async()
        assert "".join([str(chunk) async for chunk in streaming]) == "High at Bergen."
        return streaming.result

    return by(way, read, aread)


def around(other: Callable[[Any, Any], Any]) -> type[Crew]:
    """Return a class whose kickoff runs the crew by another way."""

    class Around(Crew):
        def kickoff(self, inputs: Any = None) -> Any:  # type: ignore[override]
            return other(self, inputs or {"place": "Bergen"})

    return Around


def read_whole(session: Any) -> Any:
    for _ in session:
        pass
    return session.result


class AroundAsync(around(lambda crew, inputs: asyncio.run(crew.kickoff_async(inputs)))):  # type: ignore[misc]
    """Has both kickoffs of its own, one by the other."""

    async def kickoff_async(self, inputs: Any = None) -> Any:
        return await super().kickoff_async(inputs)


#: Crews whose kickoffs run them by another way.
AROUND: dict[str, type[Crew]] = {
    "kickoff_async": around(lambda crew, inputs: asyncio.run(crew.kickoff_async(inputs))),
    "its own kickoff_async": AroundAsync,
    "akickoff": around(lambda crew, inputs: asyncio.run(crew.akickoff(inputs))),
    "kickoff_for_each_async": around(lambda crew, inputs: asyncio.run(crew.kickoff_for_each_async([inputs]))[0]),
    "stream_events": around(lambda crew, inputs: read_whole(crew.stream_events(inputs))),
}


@pytest.mark.parametrize("kind", AROUND.values(), ids=AROUND.keys())
@pytest.mark.parametrize("way", RUNS)
def test_a_kickoff_that_runs_the_crew_by_another_way_runs_it_once(kind: type[Crew], way: str) -> None:
    plain = pilot(Agent, "High at Bergen.")
    crew = kind(agents=[plain], tasks=[task("Look.", plain)])
    assert RUNS[way][1](crew).raw == "High at Bergen."
    assert len(plain.llm.requests) == 1


@pytest.mark.parametrize("name", [*RUNS, *STREAMED])
def test_each_way_to_run_a_crew_goes_through_its_own_kickoff_once(name: str) -> None:
    way, run = {**RUNS, **STREAMED}[name]
    late = ["kickoff"] if way == "sync" else ["kickoff_async", "kickoff"]
    for kind, expected in ((CountingCrew, ["kickoff"]), (LateCountingCrew, late)):
        plain = pilot(Agent, "High at Bergen.")
        crew = kind(agents=[plain], tasks=[task("Look at {place}.", plain)], stream=name in STREAMED)
        assert (run(crew).raw, crew._kickoffs) == ("High at Bergen.", expected)
        assert "Look at Bergen." in plain.llm.said_to(0)[1]


@pytest.mark.parametrize("way", RUNS)
def test_each_way_to_run_a_crew_goes_through_the_kickoff_that_a_test_has_put_there(way: str) -> None:
    silent = pilot(Agent, AssertionError("a model was asked"))
    with patch.object(Crew, "kickoff", return_value="put there") as kickoff:
        assert RUNS[way][1](Crew(agents=[silent], tasks=[task("Look.", silent)])) == "put there"
    kickoff.assert_called_once()
