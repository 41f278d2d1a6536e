"""A flow whose agent tells its model the date and the time, to less than the second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness import Agent, BaseLLM, Flow, start
from harness.llm import Finish, LLMRequest, Part, TextDelta

TARGET = "tests.recording.support.dated_subject:Dated"


class Repeats(BaseLLM):
    """Says what it was told."""

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield TextDelta(str(request.messages[-1].content))
        yield Finish("stop")


class Dated(Flow[dict[str, Any]]):
    @start()
    def report(self) -> str:
        agent = Agent(
            role="Clerk",
            goal="Tell the time.",
            backstory="Has a clock.",
            llm=Repeats("repeats"),
            inject_date=True,
            date_format="%Y-%m-%d %H:%M:%S.%f",
        )
        return str(agent.kickoff("What time is it?").raw)
