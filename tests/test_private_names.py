"""Claims about the classes that users subclass: a subclass may have any private names of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Self

import pytest
from pydantic import PrivateAttr, field_validator, model_validator

from harness import (
    LLM,
    Agent,
    BaseEvent,
    BaseLLM,
    BaseTool,
    Crew,
    Flow,
    StreamSession,
    Task,
    TaskOutput,
    UsageError,
    start,
)
from harness.bus import emit
from harness.llm import Finish, LLMRequest, Part, TextDelta, Usage
from harness.tools import ToolFailure
from tests.agents.scripted import ASKED, WAYS, Speaker, Way, agent, by, kicked_off, session_of, tide

#: What the private names of a class begin with, but for those that are the user's to call or to implement. `_harness_` is
#: for what several of these classes share.
PREFIXES: dict[type, tuple[str, set[str]]] = {
    Flow: ("_flow_", {"_state", "_input_history"}),
    BaseTool: ("_tool_", {"_run", "_arun"}),
    Agent: ("_agent_", set()),
    Task: ("_task_", set()),
    Crew: ("_crew_", set()),
    BaseEvent: ("_lazy_", set()),
    LLM: (
        "_llm_",
        {
            *("_effective_stream", "_handle_tool_execution", "_track_token_usage_internal"),
            *(f"_emit_{name}_event" for name in ("call_started", "stream_chunk", "thinking_chunk")),
            *("_emit_call_completed_event", "_emit_call_failed_event"),
        },
    ),
}


class SilentLLM(LLM):
    provider = "silent"


class TideEvent(BaseEvent):
    """Has names of its own that say what they hold or do."""

    type: str = "tide"
    heights: list[int] = []
    _record: int = PrivateAttr(default=7)

    def _fill(self) -> int:
        return sum(self.heights)

    def _all(self) -> list[int]:
        return [*self.heights, self._record]


class StartedFlow(Flow):
    @start()
    def begin(self) -> str:
        return "begun"


@pytest.mark.parametrize(
    ("made", "base"),
    [
        (StartedFlow(), Flow),
        (tide, BaseTool),
        (agent("High."), Agent),
        (Task(description="Look.", expected_output="An answer."), Task),
        (Crew(), Crew),
        (TideEvent(), BaseEvent),
        (SilentLLM("silent"), LLM),
    ],
    ids=[base.__name__ for base in PREFIXES],
)
def test_the_private_names_of_a_base_class_begin_with_its_prefix(made: Any, base: type) -> None:
    prefix, kept = PREFIXES[base]
    ours = [vars(kind) for kind in type(made).__mro__ if kind.__module__.startswith("harness.")]
    names = {name for own in ours for name in (*own, *own.get("__private_attributes__", ()))} | vars(made).keys()
    private = {name for name in names - {"_abc_impl"} if name.startswith("_") and not name.startswith("__")}
    assert any(name.startswith(prefix) for name in private)
    assert {name for name in private if not name.startswith((prefix, "_harness_"))} == kept


class MeasuringTool(BaseTool):
    """Has names of its own that say what they hold or do."""

    name: str = "Measure"
    description: str = "Measures the water."
    _definition: str = PrivateAttr(default="the height of the water")
    _counted: int = PrivateAttr(default=0)

    def _run(self, place: str) -> str:
        return self._work(place)

    def _work(self, place: str) -> str:
        self._counted += 1
        return f"{self._definition} at {self._fitting(place)}"

    def _fitting(self, place: str) -> str:
        return place.title()

    def _used_up(self) -> str:
        return "there is no water left"

    def _check_names(self) -> None:
        raise AssertionError("nobody calls this")

    @field_validator("args_schema", mode="before")
    @classmethod
    def _inferred(cls, schema: Any) -> Any:
        return schema

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.name.isidentifier():
            raise ValueError("its name is a word")
        return self


class GeneratingTool(MeasuringTool):
    def _run(self, place: str) -> Any:
        yield place


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_may_have_any_private_names_of_its_own(way: Way) -> None:
    measure = MeasuringTool(max_usage_count=1)
    assert list(measure.definition()["function"]["parameters"]["properties"]) == ["place"]
    used = [by(way, lambda: measure.run(place="bergen"), lambda: measure.arun(place="bergen")) for _ in range(2)]
    assert used[0] == "the height of the water at Bergen"
    assert isinstance(used[1], ToolFailure)
    assert (measure._counted, measure.current_usage_count) == (1, 1)
    with pytest.raises(UsageError, match="its name is a word"):
        MeasuringTool(name="Measure it")
    with pytest.raises(UsageError, match="is a generator"):
        GeneratingTool()


class NotingAgent(Agent):
    """Has names of its own that say what they hold or do, as the task and the crew below have."""

    _begun: int = PrivateAttr(default=0)
    _default_llm: str = PrivateAttr(default="a small one")

    def execute_task(self, task: Any, context: str | None = None, tools: Any = None) -> str:
        self._begun += 1
        return self._execution(super().execute_task(task, context, tools))

    def _execution(self, text: str) -> str:
        return f"{text} {self._system}"

    @property
    def _system(self) -> str:
        return "So it was measured."

    def _kickoff(self) -> None:
        raise AssertionError("nobody calls this")

    _opening = _dated = _in_form = _conversation = _kickoff

    @field_validator("llm", mode="before")
    @classmethod
    def _known_llm(cls, value: Any) -> Any:
        return Speaker(*value) if isinstance(value, tuple) else value

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, options: Any) -> Any:
        return options

    @model_validator(mode="after")
    def _check(self) -> Self:
        return self


class NotingTask(Task):
    _output: list[str] = PrivateAttr(default_factory=list)

    def execute_sync(self, agent: Agent | None = None, context: str | None = None, tools: Any = None) -> TaskOutput:
        done = super().execute_sync(agent, context, tools)
        self._execute(done.raw)
        return done

    def _execute(self, text: str) -> None:
        self._output.append(text)

    @model_validator(mode="after")
    def _check(self) -> Self:
        return self

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, options: Any) -> Any:
        return options


class NotingCrew(Crew):
    _usage: list[str] = PrivateAttr(default_factory=list)
    _begun: bool = PrivateAttr(default=False)
    _streams: bool = PrivateAttr(default=True)

    def kickoff(self, inputs: Any = None, **options: Any) -> Any:  # type: ignore[override]
        return self._run(super().kickoff(inputs, **options))

    def _run(self, output: Any) -> Any:
        self._begun = True
        self._usage.append(output.raw)
        return output

    def _inside(self) -> None:
        raise AssertionError("nobody calls this")

    _refuse_options = _own_run = _run_by_kickoff = _run_each = _noting_usage = _inside

    @field_validator("manager_llm", mode="before")
    @classmethod
    def _known_llm(cls, value: Any) -> Any:
        return value

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, options: Any) -> Any:
        return options

    @model_validator(mode="after")
    def _check(self) -> Self:
        return self


@pytest.mark.parametrize("way", WAYS)
def test_agents_tasks_and_crews_may_have_any_private_names_of_their_own(way: Way) -> None:
    pilot = NotingAgent(role="Pilot", goal="Look.", backstory="Old.", llm=(ASKED, "High."), tools=[tide], max_rpm=60)
    look = NotingTask(description="Look.", expected_output="An answer.", agent=pilot)
    crew = NotingCrew(agents=[pilot], tasks=[look], max_rpm=60)
    text = "High. So it was measured."
    assert kicked_off(crew, way).raw == text
    assert (pilot._begun, look._output, crew._usage, crew._begun) == (1, [text], [text], True)
    assert (look.output.raw if look.output else None) == text
    assert crew.usage_metrics is not None
    assert crew.usage_metrics.total_tokens == 20
    assert [each.raw for each in crew.kickoff_for_each([{}])] == [text]
    assert kicked_off(pilot, way, "How high?").raw == "High."
    with pytest.raises(UsageError, match="crews are given no files yet"):
        kicked_off(crew, way, input_files={"chart": "chart.png"})


PILOT: Final = {"role": "Pilot", "goal": "Look.", "backstory": "Old."}
LOOK: Final = {"description": "Look.", "expected_output": "Much."}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (NotingAgent, {**PILOT, "max_itr": 3}, "did you mean 'max_iter'"),
        (NotingAgent, {**PILOT, "llm": 5}, "an llm is 'provider/model'"),
        (NotingAgent, {**PILOT, "guardrail": lambda: 1}, "a guardrail"),
        (NotingTask, {**LOOK, "output_file": "~/it"}, "no '~'"),
        (NotingTask, {**LOOK, "contxt": []}, "did you mean 'context'"),
        (NotingCrew, {"process": "hierarchical"}, "a hierarchical crew has a manager"),
        (NotingCrew, {"task": []}, "did you mean 'tasks'"),
        (NotingCrew, {"manager_llm": 5}, "an llm is 'provider/model'"),
    ],
)
def test_validators_of_a_subclass_take_the_place_of_none(kind: type, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kind(**options)


class NotingLLM(BaseLLM):
    """Has names of its own, as a program has that publishes its own events."""

    provider = "noting"
    _usage: int = PrivateAttr(default=0)
    _settings: dict[str, Any] = PrivateAttr(default_factory=lambda: {"api_key": "the key of another host"})
    _stop: bool = False
    _api_version = "1"

    def __init__(self, *args: Any, **settings: Any) -> None:
        self._api_key, self._prefix = "a secret", "Captain:"
        super().__init__(*args, **settings)
        self._client = {"High.": self._common("High")}

    def _begin(self) -> str:
        self._usage += 1
        return f"{self._prefix} {self._client['High.']}"

    def _common(self, text: str) -> str:
        return f"{text}. Low."

    def _streams(self) -> str:
        raise AssertionError("nobody calls this")

    _take = _own_call = _set_own_call = _end_own_call = _streams


class GeneratingLLM(NotingLLM):
    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield TextDelta(self._begin())
        yield Usage(10, 3, 13)
        yield Finish("stop")


class CallingLLM(NotingLLM):
    def call(self, messages: Any, *args: Any, **options: Any) -> Any:
        self._emit_call_started_event(messages)
        text = self._begin().partition(self.stop[0])[0] + self.stop[0] * self._effective_stream()
        self._emit_stream_chunk_event(text)
        self._track_token_usage_internal({"prompt_tokens": 10, "completion_tokens": 3})
        self._emit_call_completed_event(text)
        return text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [GeneratingLLM, CallingLLM])
def test_an_llm_may_have_any_private_names_of_its_own(kind: type[NotingLLM], way: Way) -> None:
    llm = kind("noting", stop=[" Low"], temperature=0.5, stream=False)
    assert by(way, lambda: llm.call("How high?"), lambda: llm.acall("How high?")) == "Captain: High."
    assert (llm._usage, llm._stop, llm._api_key) == (1, False, "a secret")
    assert (llm.api_key, llm.api_version, llm.stop) == (None, None, [" Low"])
    assert llm.get_token_usage_summary().total_tokens == 13
    assert llm.to_config_dict() == {"model": "noting/noting", "temperature": 0.5, "stream": False, "stop": [" Low"]}
    frames, answer = session_of(llm, way, "How high?")
    assert answer.startswith("Captain: High.")
    assert [frame.type for frame in frames] == ["llm_call_started", "llm_stream_chunk", "llm_call_completed"]
    assert {frame.data["call_id"] for frame in frames} == {frames[0].data["call_id"]}


def test_an_event_has_helpers_of_its_own() -> None:
    with StreamSession(lambda: emit(None, TideEvent(heights=[3, 4]))) as session:
        (frame,) = session.events

    event = TideEvent(heights=[3, 4])
    assert (event._fill(), event._all()) == (7, [3, 4, 7])
    assert event.model_dump()["heights"] == frame.data["heights"] == [3, 4]
