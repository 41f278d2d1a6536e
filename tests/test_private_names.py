"""Claims about the classes that users subclass: a subclass may have any private names of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import PrivateAttr

from harness import LLM, Agent, BaseEvent, BaseLLM, BaseTool, Crew, Flow, StreamSession, Task, start
from harness.bus import emit
from harness.llm import Finish, LLMRequest, Part, TextDelta, Usage
from tests.agents.scripted import ASKED, WAYS, Way, agent, by, session_of, tide

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


class SpeakingLLM(LLM):
    provider = "speaking"

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield TextDelta("High.")
        yield Finish("stop")


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


def used(base: type) -> Any:
    """Return what a user has made of a class, once it has done what it is for."""
    if base is Flow:
        flow = StartedFlow()
        assert flow.kickoff() == "begun"
        assert list(flow.stream_events())
        return flow
    if base is BaseTool:
        assert tide.run(place="Bergen") == "high at Bergen"
        return tide
    if base is BaseEvent:
        event = BaseEvent(type="tide")
        emit(None, event)
        return event
    if base is LLM:
        llm = SpeakingLLM("speaking")
        assert llm.call("How high?") == "High."
        assert list(llm.stream_events("How high?"))
        return llm
    pilot = agent(ASKED, "High.", tools=[tide], max_rpm=60)
    task = Task(description="Look.", expected_output="An answer.", agent=pilot)
    crew = Crew(agents=[pilot], tasks=[task], max_rpm=60)
    assert crew.kickoff().raw == "High."
    return next(made for made in (pilot, task, crew) if isinstance(made, base))


@pytest.mark.parametrize("base", PREFIXES, ids=lambda base: base.__name__)
def test_the_private_names_of_a_base_class_begin_with_its_prefix(base: type) -> None:
    """Those of what it does and of its validators, and what it notes of itself at work."""
    made, (prefix, kept) = used(base), PREFIXES[base]
    ours = [vars(kind) for kind in type(made).__mro__ if kind.__module__.startswith("harness.")]
    noted = vars(made).keys() | (getattr(made, "__pydantic_private__", None) or {}).keys()
    names = {name for own in ours for name in (*own, *own.get("__private_attributes__", ()))} | noted
    private = {name for name in names - {"_abc_impl"} if name.startswith("_") and not name.startswith("__")}
    assert any(name.startswith(prefix) for name in private)
    assert {name for name in private if not name.startswith((prefix, "_harness_"))} == kept


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
