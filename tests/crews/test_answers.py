"""Claims about the answers of tasks: in a form, in a file, and who looks at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field, RootModel

from harness import Crew, TaskOutput, UsageError, event_bus
from harness.agents import AgentFinish
from harness.crews import OutputFormat
from harness.errors import LLMContextLengthExceededError
from harness.events import LLMGuardrailCompletedEvent, LLMGuardrailStartedEvent
from tests.agents.scripted import WAYS, Way, agent, calls, kicked_off, session_of, sink, tide, tree
from tests.crews.pilots import TASK, task

BERGEN = '{"place": "Bergen", "metres": 1.5}'


class Tide(BaseModel):
    place: str
    metres: float


@pytest.mark.parametrize("form", ["output_pydantic", "output_json"])
def test_a_structured_answer_may_be_a_list(form: str) -> None:
    pilot = agent('["Bergen", "Oslo"]')
    result = Crew(agents=[pilot], tasks=[task("Look.", pilot, **{form: RootModel[list[str]]})]).kickoff()
    assert result.to_dict() == result.tasks_output[0].to_dict() == ["Bergen", "Oslo"]
    assert result.raw == '["Bergen","Oslo"]'


class Marks(BaseModel):
    marks: set[str]
    by_mile: dict[int, list[frozenset[str]]]


@pytest.mark.parametrize("form", ["output_pydantic", "output_json"])
def test_the_items_of_a_set_in_an_answer_have_one_order_in_every_process(form: str) -> None:
    given = {"marks": list("harbou"), "by_mile": {"1": [list("harbou"), ["x"]], "2": []}}
    in_order = {"marks": list("abhoru"), "by_mile": {"1": [list("abhoru"), ["x"]], "2": []}}
    pilot = agent(json.dumps(given), "Seen.")
    first = task("Look.", pilot, **{form: Marks})
    result = Crew(agents=[pilot], tasks=[first, task("Tell.", pilot)]).kickoff().tasks_output[0]
    assert json.loads(result.raw) == in_order
    if form == "output_json":
        assert result.json_dict == in_order
    # As the next task is told.
    assert json.dumps(in_order, separators=(",", ":")) in pilot.llm.said_to(1)[1]


def test_a_structured_answer_is_dumped_whole() -> None:
    pilot = agent(BERGEN)
    result = Crew(agents=[pilot], tasks=[task("Look.", pilot, output_pydantic=Tide)]).kickoff()
    for output in (result, *result.tasks_output, pilot.kickoff("Look.", response_format=Tide)):
        assert output.model_dump()["pydantic"] == {"place": "Bergen", "metres": 1.5}
        assert '"pydantic":{"place":"Bergen","metres":1.5}' in output.model_dump_json()


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


@pytest.mark.parametrize("name", ["think", "thinking", "reasoning"])
def test_a_draft_among_the_thoughts_is_no_structured_answer(name: str) -> None:
    draft = f"<{name}>\n```json\n{BERGEN.replace('1.5', '9')}\n```\nToo high.</{name}>\n\n{BERGEN}"
    pilot = agent(draft, tools=[tide])
    result = Crew(agents=[pilot], tasks=[task("Look.", pilot, output_pydantic=Tide)]).kickoff()
    assert result.pydantic == Tide(place="Bergen", metres=1.5)


def test_of_two_answers_in_one_none_is_taken_for_the_structured_answer() -> None:
    fences = [f"```json\n{each}\n```" for each in (BERGEN.replace("1.5", "9"), BERGEN)]
    pilot = agent(f"First I thought {fences[0]}, but it is {fences[1]}", BERGEN, tools=[tide])
    result = Crew(agents=[pilot], tasks=[task("Look.", pilot, output_pydantic=Tide)]).kickoff()
    assert (result.pydantic, len(pilot.llm.requests)) == (Tide(place="Bergen", metres=1.5), 2)


def test_an_answer_among_words_is_one_whatever_its_form_makes_itself() -> None:
    class Noted(Tide):
        note_id: UUID = Field(default_factory=uuid4)

    pilot = agent(f"Here it is:\n```json\n{BERGEN}\n```\nOnce more: ```{BERGEN}```", tools=[tide])
    result = Crew(agents=[pilot], tasks=[task("Look.", pilot, output_pydantic=Noted)]).kickoff()
    assert (result["metres"], len(pilot.llm.requests)) == (1.5, 1)


def test_an_output_that_is_made_by_hand_sums_up_its_task() -> None:
    made = TaskOutput(description="Look at the tide of Bergen, and say when to come in, and why.", agent="Pilot")
    assert made.summary == "Look at the tide of Bergen, and say when to..."


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_written_to_its_file(way: Way, tmp_path: Path) -> None:
    pilot = agent("It is high.", BERGEN)
    tasks = [
        task("Look.", pilot, output_file=f"{tmp_path}/{{place}}/tide.md"),
        task("Look.", pilot, output_file=f"{tmp_path}/tide.json", output_json=Tide),
        task(
            "Look.",
            agent(f"```json\n{BERGEN}\n```", tools=[tide]),
            output_file=f"{tmp_path}/model.json",
            output_pydantic=Tide,
        ),
        task("Look.", agent("It is \ud83d"), output_file=f"{tmp_path}/torn.md"),
    ]
    kicked_off(Crew(agents=[pilot], tasks=tasks), way, inputs={"place": "Bergen"})
    assert (tmp_path / "Bergen/tide.md").read_text() == "It is high."
    assert (tmp_path / "tide.json").read_text() == '{\n  "place": "Bergen",\n  "metres": 1.5\n}'
    assert (tmp_path / "torn.md").read_text() == "It is ?"
    assert (tmp_path / "model.json").read_text() == '{"place":"Bergen","metres":1.5}'


@pytest.mark.parametrize(
    ("file", "place"), [("in/{place}.md", "../out"), ("{place}/tide.md", "~"), ("{place}/tide.md", "/proc/tides")]
)
def test_an_input_leads_no_file_out_of_its_folder(file: str, place: str) -> None:
    pilot = agent("It is high.")
    made = task("Look at {place}.", pilot, output_file=file)
    with pytest.raises(UsageError, match="leads out of its folder"):
        Crew(agents=[pilot], tasks=[made]).kickoff(inputs={"place": place})
    assert pilot.llm.requests == []


def test_a_file_that_is_set_later_may_be_a_path(tmp_path: Path) -> None:
    pilot = agent("It is high.")
    crew = Crew(agents=[pilot], tasks=[task("Look.", pilot, output_file="t.md", create_directory=False)])
    crew.tasks[0].output_file = tmp_path / "tide.md"  # type: ignore[assignment]
    crew.kickoff()
    assert (tmp_path / "tide.md").read_text() == "It is high."
    for name, why in {".": "Is a directory", "new/tide.md": "No such file", "tide\0": "embedded null byte"}.items():
        crew.tasks[0].output_file = tmp_path / name  # type: ignore[assignment]
        with pytest.raises(UsageError, match=f"the output_file of the task 'Look.' can't be written: .*{why}"):
            crew.kickoff()


def test_a_task_done_alone_writes_no_file_out_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = task("Look.", agent("It is high."))
    made.output_file = "in/../tide.md"
    with pytest.raises(UsageError, match=r"the task 'Look.' is 'in/../tide.md', which leads out of its folder"):
        made.execute_sync()
    assert list(tmp_path.iterdir()) == []


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


def test_events_of_a_guardrail_come_from_the_task_or_the_agent_that_it_looks_at() -> None:
    pilot = agent("yes", guardrail=lambda output: (True, output))
    made = task("Say it.", pilot, guardrail=lambda output: (True, output))
    sources: list[Any] = []
    with event_bus.scoped_handlers():
        event_bus.on(LLMGuardrailStartedEvent, LLMGuardrailCompletedEvent)(lambda source, event: sources.append(source))
        pilot.kickoff("Say it.")
        made.execute_sync()

    assert sources == [pilot, pilot, made, made]


def test_an_answer_that_is_sent_back_is_told_in_fewer_words_where_it_no_longer_fits() -> None:
    too_long = LLMContextLengthExceededError("too long", provider="scripted", status=400)
    pilot = agent("no, " * 99, too_long, "It was no, and is to be yes.", "yes")
    made = task(
        "Say it.", pilot, guardrail=lambda output: (True, output) if output.raw == "yes" else (False, "Say yes.")
    )

    assert Crew(agents=[pilot], tasks=[made]).kickoff().raw == "yes"
    assert "Say yes." in pilot.llm.said_to(2)[0]
    assert pilot.llm.said_to(3)[:2] == pilot.llm.said_to(0)
    assert "It was no, and is to be yes." in pilot.llm.said_to(3)[2]


def test_an_answer_that_is_given_again_is_looked_at_by_all_guardrails() -> None:
    def discreet(output: TaskOutput) -> tuple[bool, Any]:
        return True, output.raw.replace("Kari", "somebody")

    def long(output: TaskOutput) -> tuple[bool, Any]:
        return (True, output) if len(output.raw) > 9 else (False, "too short")

    pilot = agent("Kari.", "Kari sails.")
    made = task("Say it.", pilot, guardrails=[discreet, long])
    assert Crew(agents=[pilot], tasks=[made]).kickoff().raw == "somebody sails."


def test_what_another_agent_gave_in_place_of_an_answer_is_its_text() -> None:
    pilot, other = agent("no"), agent("yes")
    made = task("Say it.", pilot, guardrail=lambda output: (True, other.kickoff("Better.")))
    assert Crew(agents=[pilot], tasks=[made]).kickoff().raw == "yes"


def test_tools_that_failed_before_an_answer_was_sent_back_stay_noted() -> None:
    pilot = agent(calls(("sink", {"place": "Bergen"})), "no", "yes", tools=[sink])
    made = task("Say it.", pilot, guardrails=[], guardrail=lambda output: (output.raw == "yes", output.raw))
    (output,) = Crew(agents=[pilot], tasks=[made]).kickoff().tasks_output
    assert (output.raw, [record.tool_name for record in output.tool_failures]) == ("yes", ["sink"])


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


def test_a_callback_of_a_crew_that_is_its_tasks_and_its_agents_too_is_called_once() -> None:
    noted: list[Any] = []
    pilot = agent("It is high.", step_callback=noted.append)
    made = task("Look.", pilot, callback=noted.append)
    Crew(agents=[pilot], tasks=[made], task_callback=noted.append, step_callback=noted.append).kickoff()
    assert noted == [AgentFinish("", "It is high.", "It is high."), made.output]
