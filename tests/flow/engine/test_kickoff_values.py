"""Claims about what a kickoff gives to methods, and what a run tells of the models that it has asked."""

from __future__ import annotations

from typing import Any

import pytest

from harness import UsageMetrics
from harness.bus import emit
from harness.events import LLMCallCompletedEvent, LLMCallFailedEvent
from harness.flow import Flow, listen, start


class Triggered(Flow):
    @start()
    def plain(self, crewai_trigger_payload: Any = "nothing") -> Any:
        return crewai_trigger_payload

    @start()
    async def awaited(self, crewai_trigger_payload: Any = None) -> Any:
        return crewai_trigger_payload

    @listen(plain)
    def after(self, crewai_trigger_payload: Any) -> Any:
        return ["after", crewai_trigger_payload]


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"crewai_trigger_payload": {"a": 1}}, [{"a": 1}, {"a": 1}, ["after", {"a": 1}]]),
        ({"other": 1}, ["nothing", None, ["after", "nothing"]]),
        (None, ["nothing", None, ["after", "nothing"]]),
    ],
    ids=["with it", "with other inputs", "without inputs"],
)
def test_a_start_that_asks_for_it_gets_what_has_triggered_the_flow(inputs: Any, outputs: list[Any]) -> None:
    flow = Triggered()
    flow.kickoff(inputs)
    assert sorted(map(str, flow.method_outputs)) == sorted(map(str, outputs))


def completed(flow: Any, usage: Any) -> None:
    emit(flow, LLMCallCompletedEvent(call_id="c", usage=usage))


class Using(Flow):
    """Asks models, in its methods, in another flow, and in a kickoff of itself."""

    @start()
    def asks(self) -> None:
        completed(self, {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cached_prompt_tokens": 4})
        emit(self, LLMCallFailedEvent(call_id="c", error="no"))

    @listen(asks)
    async def asks_more(self) -> int:
        completed(self, {"prompt_tokens": 1, "completion_tokens": 2})
        completed(self, None)
        Inner().kickoff()
        if not self.state.get("inside"):
            self.state["inside"] = True
            self.kickoff()
        return self.usage_metrics.prompt_tokens


class Inner(Flow):
    @start()
    def asks(self) -> None:
        completed(self, {"prompt_tokens": 100, "completion_tokens": 0, "reasoning_tokens": 3})


def test_the_usage_of_a_run_is_that_of_all_calls_in_it_and_each_kickoff_begins_at_nothing() -> None:
    flow = Using()
    assert flow.usage_metrics == UsageMetrics()
    result = flow.kickoff()
    assert result == 222
    assert flow.usage_metrics == UsageMetrics(
        prompt_tokens=222,
        completion_tokens=14,
        total_tokens=236,
        cached_prompt_tokens=8,
        reasoning_tokens=6,
        successful_requests=8,
    )
    list(flow.stream_events())
    assert flow.usage_metrics.prompt_tokens == 111
