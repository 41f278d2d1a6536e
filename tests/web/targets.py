"""What the tests serve: flows, a conversation, a model and a callable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from pydantic import BaseModel, Field

from harness import Agent, BaseLLM, Crew, Flow, Task, listen, start
from harness.conversation import ConversationConfig, ConversationState
from harness.flow import HumanFeedbackPending, human_feedback
from harness.llm import Finish, TextDelta, ThinkingDelta, ToolCallDelta
from harness.session import StreamSession
from tests.web.sessions import PATIENCE_S

#: Held runs go on once this is set.
GATE: Final = threading.Event()
SAID: Final = "Twice a day the sea comes up, and twice a day it goes."


class Teller(BaseLLM):
    """Thinks aloud, then tells; in the middle it waits for `GATE`."""

    def generate(self, request: Any) -> Iterator[Any]:
        for word in ("Who", "asks?"):
            yield ThinkingDelta(f"{word} ")
        words = SAID.split(" ")
        for number, word in enumerate(words):
            if number == len(words) // 2:
                GATE.wait(PATIENCE_S)
            yield TextDelta(word if word == words[-1] else f"{word} ")
        yield Finish("stop")


class Asker(BaseLLM):
    """Asks for the tides by a tool."""

    def generate(self, request: Any) -> Iterator[Any]:
        yield TextDelta("Let me look. ")
        for piece in ('{"city": ', '"Bergen"}'):
            yield ToolCallDelta(0, "call_1", "tides", piece)
        yield Finish("tool_calls")


def tides(city: str) -> dict[str, Any]:
    return {"city": city, "high": "03:12"}


class TideState(BaseModel):
    topic: str = Field(default="tides", description="What it is about")
    words: int = 20
    fail: bool = False
    tags: list[str] = []


class OddState(BaseModel):
    limit: float = float("inf")
    most: int = 2**70
    post_code: str | None = None
    hours: list[int] | None = None
    sure: bool | None = None
    when: str | int = "now"
    look: Callable[[], str] | None = None
    within: OddState | None = None


class OddFlow(Flow[OddState]):
    """Has fields that may be empty or like itself, and defaults and types that JSON has no form for."""

    @start()
    def look(self) -> Any:
        return [self.state.limit > 1, self.state.post_code]


class TideFlow(Flow[TideState]):
    @start()
    def look(self) -> Any:
        tool = {"type": "function", "function": {"name": "tides", "parameters": {"type": "object", "properties": {}}}}
        return Asker("asker-1").call("Tides?", tools=[tool], available_functions={"tides": tides})

    @listen(look)
    def tell(self, found: Any) -> Any:
        if self.state.fail:
            raise LookupError("the table of tides is wet")
        return Teller("teller-1").call(f"Tell of {self.state.topic}")


class AskedLater:
    """Leaves the question open: the run pauses."""

    def request_feedback(self, context: Any, flow: Any) -> str:
        raise HumanFeedbackPending(context)


class AskingFlow(Flow[dict[str, Any]]):
    """Asks at once, and again about what it made of that; with `later`, where the run has paused."""

    @start()
    def who(self) -> str | None:
        return self.ask("Who are you?", timeout=self.state.get("timeout"))

    @listen(who)
    @human_feedback("Is it good?")
    def greet(self, name: str | None) -> str:
        return f"Good morning, {name}!"

    @listen(greet)
    @human_feedback("May it go out?", provider=AskedLater())
    def send(self, looked_at: Any) -> str:
        return f"{looked_at.output} ({looked_at.feedback})"

    @listen(send)
    def sent(self, looked_at: Any) -> str:
        return f"sent: {looked_at.output} {looked_at.feedback}"


class AskingOnce(Flow[dict[str, Any]]):
    """Asks, and goes on once `GATE` is set."""

    @start()
    def who(self) -> str | None:
        name = self.ask("Who are you?")
        GATE.wait(PATIENCE_S)
        return name


class UnwritableFlow(Flow[dict[str, Any]]):
    """Asks with half of a character, as a file's name may hold."""

    @start()
    def who(self) -> str | None:
        return self.ask("Who is \udcff?")


class PausingFlow(Flow[dict[str, Any]]):
    """Pauses at once."""

    @start()
    @human_feedback("May it go out?", provider=AskedLater())
    def send(self) -> str:
        return "Good morning!"

    @listen(send)
    def sent(self, looked_at: Any) -> str:
        return f"sent: {looked_at.output} {looked_at.feedback}"


class PlainFlow(Flow[dict[str, Any]]):
    @start()
    def say(self) -> str:
        return f"hello {self.state.get('name', 'you')}"


class NamedFlow(PlainFlow):
    def __init__(self, name: str) -> None:
        super().__init__()


class Echo(BaseLLM):
    """Says what was said to it; where that is "Wait", once `GATE` is set."""

    def generate(self, request: Any) -> Iterator[Any]:
        if request.messages[-1].content == "Wait":
            GATE.wait(PATIENCE_S)
        yield TextDelta(f"You said: {request.messages[-1].content}")
        yield Finish("stop")


@ConversationConfig(llm=Echo("echo-1"))
class Desk(Flow[ConversationState]):
    pass


def crew() -> Crew:
    """Return a crew of one, who repeats what it is told to say."""
    speaker = Agent(role="Speaker", goal="Say it", backstory="Says things.", llm=Teller("teller-1"))
    task = Task(name="speech", description="Speak of {topic}", expected_output="Words", agent=speaker)
    return Crew(name="Speakers", agents=[speaker], tasks=[task], stream=True)


CREW: Final = crew()
MODEL: Final = Echo("echo-1")


def greeting(name: str, times: int = 1, title: str | None = None) -> StreamSession[Any]:
    """Return a session that greets."""
    return PlainFlow().stream_events(inputs={"name": f"{name} {times}"})
