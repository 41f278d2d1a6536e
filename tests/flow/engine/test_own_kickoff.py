"""Claims about flows that have a kickoff of their own: streamed runs go through it, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.flow import Flow, start
from harness.session.session import StreamSession
from tests.flow.graph.graphs import astreamed, streamed


class Plain(Flow):
    kickoffs: list[str] = []
    streams: list[bool] = []

    @start()
    def work(self) -> Any:
        return self.state.get("topic", "none")


class Own(Plain):
    def kickoff(self, inputs: dict[str, Any] | None = None, **options: Any) -> Any:  # type: ignore[override]
        self.kickoffs.append("kickoff")
        self.streams.append(self.stream)
        return super().kickoff({"topic": "own", **(inputs or {})}, **options)

    async def kickoff_async(self, inputs: dict[str, Any] | None = None, **options: Any) -> Any:  # type: ignore[override]
        self.kickoffs.append("kickoff_async")
        self.streams.append(self.stream)
        return await super().kickoff_async({"topic": "own", **(inputs or {})}, **options)


class Narrow(Plain):
    def kickoff(self) -> Any:  # type: ignore[override]
        self.kickoffs.append("kickoff")
        return [super().kickoff()]


def read(session: StreamSession[Any]) -> Any:
    list(session)
    return session.result


#: How a flow is run, the result, and the kickoffs of its own that were called.
RUNS: dict[str, tuple[Callable[[], Plain], Callable[[Any], Any], Any, list[str]]] = {
    "kickoff": (Own, lambda flow: flow.kickoff(), "own", ["kickoff"]),
    "stream_events": (Own, streamed, "own", ["kickoff"]),
    "stream_events with inputs": (Own, lambda flow: streamed(flow, inputs={"topic": "b"}), "b", ["kickoff"]),
    "stream_frames": (Own, lambda flow: read(flow.stream_frames()), "own", ["kickoff"]),
    "astream": (Own, astreamed, "own", ["kickoff_async"]),
    "a flow that streams": (lambda: Own(stream=True), lambda flow: read(flow.kickoff()), "own", ["kickoff"]),
    "stream_events of one that streams": (lambda: Own(stream=True), streamed, "own", ["kickoff"]),
    "one that takes nothing": (Narrow, streamed, ["none"], ["kickoff"]),
    "one without its own": (Plain, streamed, "none", []),
}


@pytest.mark.parametrize(("make", "run", "result", "kickoffs"), RUNS.values(), ids=RUNS.keys())
def test_a_run_goes_through_the_flows_own_kickoff_once(
    make: Callable[[], Plain], run: Callable[[Any], Any], result: Any, kickoffs: list[str]
) -> None:
    flow = make()
    streams = flow.stream
    assert (run(flow), flow.kickoffs, flow.stream) == (result, kickoffs, streams)


class Streaming:
    """Says for the flows that it is mixed into that they stream."""

    stream = True


class Mixed(Streaming, Own):
    pass


class Counted(Own):
    stream = 1  # type: ignore[assignment]


class Set(Own):
    pass


@pytest.mark.parametrize("kind", [Mixed, Counted, Set], ids=["by a mixin", "by a number", "on the class, later"])
def test_however_a_class_says_that_it_streams_it_reads_in_its_run_as_one_that_does_not(
    kind: type[Own], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = kind()
    if kind is Set:
        monkeypatch.setattr(Set, "stream", True)
    assert streamed(flow) == "own"
    assert (flow.streams, flow.stream) == ([False], True)
    assert read(flow.kickoff()) == "own"
    monkeypatch.undo()
    assert bool(Set().stream) is False


def test_the_frames_are_those_of_the_run_and_nothing_runs_before_the_first() -> None:
    flow = Own()
    session = flow.stream_events()
    assert flow.kickoffs == []
    types = [frame.type for frame in session]
    assert types == [frame.type for frame in Plain().stream_events()]
    assert [frame.seq for frame in session] == [1, 2, 3, 4]


def test_a_quiet_flow_tells_of_its_own_start_and_end_alone() -> None:
    types = [frame.type for frame in Own(suppress_flow_events=True).stream_events()]
    assert types == ["flow_started", "flow_finished"]
