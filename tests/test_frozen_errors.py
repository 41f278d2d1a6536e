"""Claims about exceptions that can't be changed: they surface as the objects that they are, whatever raises them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from harness import Crew, Flow, Task, event_bus, start
from harness.conversation import ConversationConfig
from tests.agents.scripted import agent
from tests.llm.scripted import AsyncScripted, Scripted


@dataclass(frozen=True)
class FrozenError(Exception):
    """Refuses to have its traceback set, which all dataclasses that are frozen do."""

    left: int


ERROR = FrozenError(1)


class Fails(Flow):
    @start()
    def fail(self) -> None:
        raise ERROR


class FailsAwaited(Flow):
    @start()
    async def fail(self) -> None:
        raise ERROR


@ConversationConfig()
class FailsInTurns(Flow):
    @start()
    def fail(self) -> None:
        raise ERROR


def crew(**options: Any) -> Crew:
    pilot = agent(llm=Scripted(ERROR), max_retry_limit=0)
    return Crew(agents=[pilot], tasks=[Task(description="d", expected_output="e", agent=pilot)], **options)


def among_handlers() -> None:
    with event_bus.scoped_handlers():
        raise ERROR


RAISING: dict[str, Callable[[], object]] = {
    "a flow": lambda: Fails().kickoff(),
    "a flow of coroutines": lambda: asyncio.run(FailsAwaited().kickoff_async()),
    "a session": lambda: list(Fails().stream_events()),
    "a turn": lambda: FailsInTurns().handle_turn("hi"),
    "a streamed turn": lambda: list(FailsInTurns().stream_turn("hi")),
    "a call": lambda: Scripted(ERROR).call("hi"),
    "a call in another loop": lambda: AsyncScripted(ERROR).call("hi"),
    "a streamed call": lambda: list(Scripted(ERROR).stream_events("hi")),
    "an awaited call": lambda: asyncio.run(AsyncScripted(ERROR).acall("hi")),
    "an awaited call in a thread": lambda: asyncio.run(Scripted(ERROR).acall("hi")),
    "a crew": lambda: crew().kickoff(),
    "a streamed crew": lambda: list(crew(stream=True).kickoff()),
    "a block with handlers of its own": among_handlers,
}


@pytest.mark.parametrize("raising", RAISING.values(), ids=RAISING.keys())
def test_an_error_that_can_not_be_changed_surfaces_from(raising: Callable[[], object]) -> None:
    with pytest.raises(FrozenError) as raised:
        raising()
    assert raised.value is ERROR
