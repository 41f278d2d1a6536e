"""Claims about crews: what their runs show, tasks beside each other, runs beside each other, and tasks alone."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, PrivateAttr

from conformance.run.judge import judge
from conformance.timeline.evidence import Evidence
from harness import BaseLLM, Crew, CrewOutput, StreamFrame, Task, tool
from harness.agents import GuardrailError
from harness.llm import LLMRequest, Part
from harness.recording import current_path
from tests.agents.scripted import (
    WAYS,
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
from tests.crews.pilots import TASK, crew_of, task


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


@pytest.mark.parametrize("error", [asyncio.CancelledError("no"), SystemExit("no"), GeneratorExit("no")], ids=repr)
@pytest.mark.parametrize("way", WAYS)
def test_what_a_task_beside_others_raises_is_what_the_crew_raises(way: Way, error: BaseException) -> None:
    one, other = agent(error), agent("fine")
    crew = Crew(agents=[one, other], tasks=[task("Raises.", one, async_execution=True), task("Fine.", other)])
    assert session_of(crew, way)[1] is error


class LateTask(Task):
    """Begins once it is let go."""

    _let_go: threading.Event = PrivateAttr(default_factory=threading.Event)
    _ended: threading.Event = PrivateAttr(default_factory=threading.Event)

    def execute_sync(self, *arguments: Any, **options: Any) -> Any:
        try:
            assert self._let_go.wait(30)
            return super().execute_sync(*arguments, **options)
        finally:
            self._ended.set()


@pytest.mark.parametrize("way", WAYS)
def test_a_task_beside_one_that_has_failed_does_not_begin_any_more(way: Way) -> None:
    one, other = agent("late"), agent(ValueError("no"), max_retry_limit=0)
    late = LateTask(description="Late.", expected_output="An answer.", agent=one, async_execution=True)
    crew = Crew(agents=[one, other], tasks=[late, task("Fails.", other, context=[])])
    with pytest.raises(ValueError, match="no"):
        kicked_off(crew, way)
    late._let_go.set()
    assert late._ended.wait(30)

    assert one.llm.requests == []


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
    used = crew.usage_metrics
    assert used is not None
    assert (used.successful_requests, used.total_tokens) == (3, 39)

    # The same, whatever they give.
    crew.after_kickoff_callbacks = [lambda output: output.raw]
    outputs = by(way, lambda: crew.kickoff_for_each(inputs), lambda: crew.kickoff_for_each_async(inputs))
    assert (outputs, crew.usage_metrics) == (["yes"] * 3, used)


_PLACES = ("Bodø", "Bergen", "Hammerfest")


def _meeting(failing: str) -> Crew:
    """Return a crew whose runs meet; then one of them fails, and the others go on for ever."""
    arrived: list[str] = []
    together = asyncio.Event()

    class Meets(AsyncSpeaker):
        async def agenerate(self, request: Any) -> Any:
            place = str(request.messages[-1].content).split()[2].rstrip(".")
            arrived.append(place)
            if len(arrived) == len(_PLACES):
                together.set()
            await together.wait()
            if place == failing:
                raise ValueError(place)
            await asyncio.Event().wait()
            yield

    pilot = agent(llm=Meets(), max_retry_limit=0)
    return Crew(agents=[pilot], tasks=[task("Look at {place}.", pilot)], stream=True)


@pytest.mark.parametrize("failing", _PLACES)
def test_runs_for_each_go_on_at_once_and_one_that_fails_stops_the_others(failing: str) -> None:
    async def read() -> Any:
        inputs = [{"place": place} for place in _PLACES]
        output = await _meeting(failing).kickoff_for_each_async(inputs)
        with pytest.raises(ValueError, match=failing):
            async for _ in output:
                pass
        assert len(asyncio.all_tasks()) == 1
        return output

    frames = asyncio.run(read())._session.frames
    assert [frame.type for frame in frames].count("crew_kickoff_failed") == len(_PLACES)
    assert judge(Evidence(frames, "failed")).violations == ()


@pytest.mark.parametrize("way", WAYS)
def test_a_task_can_be_done_without_a_crew(way: Way) -> None:
    made = task("Look.", agent("It is high."))
    output = by(way, made.execute_sync, made.aexecute_sync)
    assert (output.raw, made.output) == ("It is high.", output)
    assert made.execute_async().result(30).raw == "It is high."


def test_a_task_that_is_being_done_can_not_be_cancelled_any_more() -> None:
    held = Held("It is high.")
    future = task("Look.", agent(held)).execute_async()
    assert held.reached.wait(30)
    assert not future.cancel()
    held.let_go.set()
    assert future.result(30).raw == "It is high."


def test_the_usage_of_a_crew_is_that_of_its_last_run_even_where_that_failed() -> None:
    crew = crew_of("one", "two", "three", tasks=1)
    crew.kickoff()
    crew.tasks[0].guardrail_max_retries = 1
    crew.tasks[0].guardrail = lambda output: (False, "no")
    with pytest.raises(GuardrailError):
        crew.kickoff()
    assert crew.usage_metrics is not None
    assert crew.usage_metrics.successful_requests == 2


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_is_not_in_its_form_has_used_its_tokens(way: Way) -> None:
    class Tide(BaseModel):
        metres: float

    pilot = agent("high", '{"metres": 1.5}')
    crew = Crew(agents=[pilot], tasks=[task("Look.", pilot, output_pydantic=Tide)])
    used = kicked_off(crew, way).token_usage
    assert (used.total_tokens, used.successful_requests) == (2 * 13, 1)
    assert pilot.llm.get_token_usage_summary() == crew.usage_metrics == used


class Placed(Speaker):
    """Notes where its requests come from."""

    def __init__(self, *answers: str) -> None:
        super().__init__(*answers)
        self.paths: list[tuple[str, ...]] = []

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        self.paths.append(current_path())
        return super().generate(request)


@pytest.mark.parametrize("way", WAYS)
def test_requests_side_by_side_are_told_apart_by_where_they_come_from(way: Way) -> None:
    """As recordings tell them apart (clause replay.equal)."""
    model = Placed("a draft")

    @tool("draft")
    def draft() -> str:
        """Ask a model for a draft."""
        return str(model.call("Write."))

    poets = [agent(calls(("draft", {}), ("draft", {})), "The best.", tools=[draft]) for _ in range(3)]
    drafts = [task("Write.", poet, async_execution=True) for poet in poets]
    kicked_off(Crew(agents=poets, tasks=drafts), way)
    uses = [(f"Write.{of}", "Pilot", f"draft{use}") for of in ("", " 2", " 3") for use in ("", " 2")]
    assert sorted(model.paths) == sorted(("crew", *use, "speaker") for use in uses)


def test_requests_of_runs_for_each_of_several_inputs_are_told_apart_by_where_they_come_from() -> None:
    poet = agent(llm=Placed("A draft."))
    crew = Crew(agents=[poet], tasks=[task("Write.", poet)])
    asyncio.run(crew.kickoff_for_each_async([{"of": 1}, {"of": 2}]))
    assert sorted(poet.llm.paths) == [(f"run {of}", "crew", "Write.", "Pilot", "speaker") for of in (1, 2)]


def test_a_crew_that_has_run_can_be_copied() -> None:
    tides = ["one", "two"]

    class Tells(BaseLLM):
        def call(self, messages: Any, **options: Any) -> str:  # type: ignore[override]
            return tides.pop(0)

    pilot = agent(llm=Tells("tells"), max_rpm=100)
    crew = Crew(agents=[pilot], tasks=[task("Look.", pilot)], max_rpm=100)
    assert crew.kickoff().raw == "one"
    assert copy.deepcopy(crew).kickoff().raw == "two"


@pytest.mark.parametrize("way", WAYS)
def test_an_agent_can_be_given_a_task(way: Way) -> None:
    pilot = agent("It is high.")
    made = Task(description="Look.", expected_output="It.")
    said = by(way, lambda: pilot.execute_task(made, "known"), lambda: pilot.aexecute_task(made, "known"))
    assert said == "It is high."
    assert pilot.llm.said_to(0)[1].endswith("\nknown")


def test_crews_beside_each_other_show_their_own_frames() -> None:
    crews = [crew_of(f"{name} one", f"{name} two") for name in ("left", "right")]

    async def read(crew: Crew) -> str:
        return "".join([frame.content async for frame in crew.astream().llm])

    async def both() -> list[str]:
        return await asyncio.gather(*map(read, crews))

    assert asyncio.run(both()) == ["left oneleft two", "right oneright two"]


class Counting(BaseLLM):
    """Has a call of its own, which counts its tokens, and publishes in this order."""

    def __init__(self, *order: str) -> None:
        super().__init__("counting")
        self.order = order

    def call(self, *asked: Any, **options: Any) -> str:
        sent = {"input_tokens": 10, "output_tokens": 5}
        deeds: dict[str, Callable[[], Any]] = {
            "count": lambda: self._track_token_usage_internal(sent),
            "start": lambda: self._emit_call_started_event("Hi"),
            "complete": lambda: self._emit_call_completed_event("yes"),
            "complete with usage": lambda: self._emit_call_completed_event("yes", usage=sent),
            "fail": lambda: self._emit_call_failed_event("no"),
        }
        for deed in self.order:
            deeds[deed]()
        return "yes"


def test_what_an_llm_has_published_is_not_that_of_another_in_its_place() -> None:
    first = Counting("start", "count", "complete with usage")
    first.call()
    place = id(first)
    del first
    others = [Counting("count")]
    while id(others[-1]) != place and len(others) < 1_000:
        others.append(Counting("count"))
    pilot = agent(llm=others[-1])
    crew = Crew(agents=[pilot], tasks=[task("Look.", pilot)])
    assert kicked_off(crew, "sync").token_usage.total_tokens == 15


@pytest.mark.parametrize(
    "order",
    [
        ("count",),
        ("start", "count", "complete"),
        ("start", "count", "complete with usage"),
        ("start", "complete with usage", "count"),
        ("start", "count", "fail"),
    ],
    ids=", ".join,
)
@pytest.mark.parametrize("way", WAYS)
def test_what_a_call_of_its_own_has_counted_is_counted_once_by_the_crew(order: tuple[str, ...], way: Way) -> None:
    llm = Counting(*order)
    pilot = agent(llm=llm)
    crew = Crew(agents=[pilot], tasks=[task("Look.", pilot), task("Look again.", pilot)])
    used = kicked_off(crew, way).token_usage
    assert (used.total_tokens, used.prompt_tokens, used.completion_tokens, used.successful_requests) == (30, 20, 10, 2)
    assert used == crew.usage_metrics == llm.get_token_usage_summary()
