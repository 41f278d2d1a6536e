"""A session of a body that starts several runs, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from harness.bus import event_bus
from harness.events import FlowFinishedEvent
from harness.flow import Flow, start
from harness.llm import BaseLLM, Finish, LLMRequest, Part, TextDelta
from harness.session.session import StreamSession
from tests.session.bodies import collected


class Once(Flow[dict[str, Any]]):
    @start()
    def step(self) -> str:
        return "done"


def test_the_frames_of_every_run_are_kept() -> None:
    session = StreamSession(lambda: [Once().kickoff(), Once().kickoff()])
    assert [frame.type for frame in session].count("flow_finished") == 2
    assert session.result == ["done", "done"]


class FailsOnce:
    """Something that is tried again by a method of the user's own."""

    tries = 0

    def attempt(self) -> str:
        self.tries += 1
        if self.tries == 1:
            raise ConnectionError
        return "done"


class TriesAgain(FailsOnce, Flow[dict[str, Any]]):
    @start()
    def step(self) -> str:
        return self.attempt()

    def kickoff(self, *args: Any, **options: Any) -> Any:
        try:
            return super().kickoff(*args, **options)
        except ConnectionError:
            return super().kickoff(*args, **options)

    async def kickoff_async(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().kickoff_async(*args, **options)
        except ConnectionError:
            return await super().kickoff_async(*args, **options)


class CallsAgain(FailsOnce, BaseLLM):
    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield TextDelta(self.attempt())
        yield Finish("stop")

    def call(self, *args: Any, **options: Any) -> Any:
        try:
            return super().call(*args, **options)
        except ConnectionError:
            return super().call(*args, **options)

    async def acall(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().acall(*args, **options)
        except ConnectionError:
            return await super().acall(*args, **options)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(("kind", "end"), [("flow", "finished"), ("call", "completed")])
def test_a_run_that_a_users_own_method_tries_again_is_shown_both_times(kind: str, end: str, is_async: bool) -> None:
    if is_async:
        asession = TriesAgain().astream() if kind == "flow" else CallsAgain("m").astream("?")
        frames, result = asyncio.run(collected(aiter(asession))), asession.result
    else:
        session = TriesAgain().stream_events() if kind == "flow" else CallsAgain("m").stream_events("?")
        frames, result = list(session), session.result
    ends = [frame for frame in frames if frame.parent_id is None]
    assert [frame.type.rpartition("_")[2] for frame in ends] == ["started", "failed", "started", end]
    assert (result, frames[-1] is ends[-1]) == ("done", True)


def test_a_run_that_a_handler_of_the_end_begins_is_not_shown() -> None:
    flow, heard = Once(), list[str]()

    def again(_source: Any, event: FlowFinishedEvent) -> None:
        heard.append(event.type)
        if len(heard) == 1:
            flow.kickoff()

    with event_bus.scoped_handlers():
        event_bus.register_handler(FlowFinishedEvent, again)
        frames = list(flow.stream_events())
    assert ([frame.type for frame in frames].count("flow_finished"), len(heard)) == (1, 2)
