"""What the tests of recording record: flows, LLM calls and callables, by name as a target has them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from harness import LLM, Agent, BaseLLM, Crew, Flow, StreamSession, Task, and_, listen, start
from harness.frames.frame import StreamFrame
from harness.llm import Finish, TextDelta
from harness.session.session import AsyncStreamSession
from tests.servers.openai.chat_scenarios import SCENARIOS

MODEL = "openai/gpt-4o-mini"
NUMBER = "Which number is it?"
KEY = "sk-proj-" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz1" * 2
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}

NOT_A_TARGET = 3
an_llm = LLM(MODEL, max_retries=0)


def text(prompt: str = SCENARIOS["text"].prompt) -> StreamSession[Any]:
    return LLM(MODEL, max_retries=0).stream_events(prompt)


def ever_new() -> StreamSession[Any]:
    """Asks something that it has never asked before."""
    return text(f"{SCENARIOS['text'].prompt} {uuid.uuid4()}")


def atext() -> AsyncStreamSession[Any]:
    return LLM(MODEL, max_retries=0).astream(SCENARIOS["text"].prompt)


def scenario(name: str) -> StreamSession[Any]:
    return LLM(MODEL, max_retries=0).stream_events(SCENARIOS[name].prompt, tools=[TOOL])


class ThreeCallsFlow(Flow[dict[str, Any]]):
    """Two answers, and a third by the name of its scenario."""

    @start()
    def ask(self) -> str:  # type: ignore[override] # a method of the graph may have any name
        llm = LLM(MODEL, max_retries=0)
        return " ".join(str(llm.call(SCENARIOS[name].prompt)) for name in ("text", "outline", self.state["last"]))


def three_calls(last: str) -> StreamSession[Any]:
    """A run of which nothing is ahead of what has been read, so that what is kept of the first answer is sure."""
    return ThreeCallsFlow().stream_events({"last": last}, look_ahead=1)


def told_key() -> StreamSession[Any]:
    return text(f"My key is {KEY}, keep it. {SCENARIOS['text'].prompt}")


class FailingWithKeyFlow(Flow[dict[str, Any]]):
    @start()
    def fail(self) -> None:
        raise ValueError(f"the key {KEY} was refused")


class InterruptedFlow(Flow[dict[str, Any]]):
    """A run that is interrupted from within."""

    @start()
    def ask(self) -> None:  # type: ignore[override] # a method of the graph may have any name
        LLM(MODEL).call(SCENARIOS["text"].prompt)
        raise KeyboardInterrupt


class SwallowingFlow(Flow[dict[str, Any]]):
    """A run that can be told to send a datagram, and that is content with whatever becomes of it."""

    @start()
    def answered(self) -> str:
        answer = str(LLM(MODEL).call(SCENARIOS["text"].prompt))
        if os.environ.get("SUBJECT_CALLS_OUT"):
            with contextlib.suppress(BaseException), socket.socket(type=socket.SOCK_DGRAM) as sending:
                sending.sendto(b"x", ("127.0.0.1", 9))
        return answer


class ConnectingFlow(Flow[dict[str, Any]]):
    """A run that opens a connection by itself."""

    @start()
    def connect(self) -> None:
        socket.create_connection(("127.0.0.1", int(os.environ["SUBJECT_CONNECTS_TO"]))).close()


class OwnRequestFlow(Flow[dict[str, Any]]):
    """A run that can be told to make a request which no recording holds."""

    @start()
    def ask(self) -> str:  # type: ignore[override] # a method of the graph may have any name
        answer = str(LLM(MODEL).call(SCENARIOS["text"].prompt))
        if os.environ.get("SUBJECT_CALLS_OUT"):
            httpx.get("http://127.0.0.1:9/never")
        return answer


def nothing() -> None:
    """Not a session."""


class StoryFlow(Flow[dict[str, Any]]):
    """Two steps with a call each."""

    @start()
    def outline(self) -> str:
        return str(LLM(MODEL).call(SCENARIOS["outline"].prompt))

    @listen(outline)
    def expand(self, outline: str) -> str:
        return str(LLM(MODEL).call(f"{SCENARIOS['expand'].prompt} {outline}"))


class GreetingFlow(Flow[dict[str, Any]]):
    """Gives back what it was given, without a call."""

    @start()
    def greet(self) -> str:
        return f"Hello {self.state.get('name', 'you')}"


class Greeter(BaseLLM):
    """Greets whom the last message names, without a request."""

    def generate(self, request: Any) -> Iterator[Any]:
        yield TextDelta(f"Hello {'Ada' if 'Ada' in str(request.messages[-1]) else 'Bob'}")
        yield Finish("stop")


def _crew(llm: BaseLLM, *descriptions: str) -> Crew:
    agent = Agent(role="Teller", goal="Tell", backstory="Old", llm=llm)
    return Crew(
        agents=[agent],
        tasks=[Task(description=one, expected_output="A text.", agent=agent) for one in descriptions],
    )


def greeting_crew() -> Crew:
    return _crew(Greeter("greeter"), "Greet {name}.", "Greet {name} again.")


def story_crew() -> Crew:
    return _crew(LLM(MODEL, max_retries=0), SCENARIOS["outline"].prompt, SCENARIOS["expand"].prompt)


def three_tasks(last: str) -> StreamSession[Any]:
    """A crew whose last task asks for a scenario by its name; nothing is ahead of what has been read."""
    names = ("text", "outline", last)
    crew = _crew(LLM(MODEL, max_retries=0), *(SCENARIOS[name].prompt for name in names))
    return crew.stream_events(look_ahead=1)


class StateFlow(Flow[dict[str, Any]]):
    """Gives back its state, with the id that each run has of its own, and a time."""

    @start()
    def look(self) -> dict[str, Any]:
        return {**self.state, "at": datetime.now(UTC)}


class MovingFlow(Flow[dict[str, Any]]):
    """Goes to another folder, as agents do that have one to work in."""

    @start()
    def go(self) -> None:
        os.chdir(self.state["folder"])


class TalkingFlow(Flow[dict[str, Any]]):
    """Prints, and starts a program that does."""

    @start()
    def talk(self) -> None:
        print("a flow has printed this", flush=True)
        subprocess.run(["/bin/echo", "and a program that"], check=True)


class FailingWithIdFlow(Flow[dict[str, Any]]):
    @start()
    def look(self) -> None:
        raise ValueError(f"the run {self.state['id']} has failed")


class FailingFlow(Flow[dict[str, Any]]):
    @start()
    def ask(self) -> str:  # type: ignore[override] # a method of the graph may have any name
        return str(LLM(MODEL).call(SCENARIOS["text"].prompt))

    @listen(ask)
    def fail(self, answer: str) -> None:
        raise ValueError("no boat has come home")


class Order:
    """Which of two parallel methods asks first."""

    first = "left"
    answered = threading.Event()

    @classmethod
    def begin(cls, first: str) -> None:
        cls.first, cls.answered = first, threading.Event()

    @classmethod
    def asked(cls, method: str) -> str:
        if method != cls.first:
            assert cls.answered.wait(10)
        answer = str(LLM(MODEL).call(NUMBER))
        cls.answered.set()
        return answer


class ParallelFlow(Flow[dict[str, Any]]):
    """Two methods that ask the same at the same time, each with an answer of its own."""

    @start()
    def begin(self) -> None:
        return None

    @listen(begin)
    async def left(self) -> str:
        return await asyncio.to_thread(Order.asked, "left")

    @listen(begin)
    async def right(self) -> str:
        return await asyncio.to_thread(Order.asked, "right")

    @listen(and_(left, right))
    def joined(self) -> list[Any]:
        return sorted(map(str, self.method_outputs))


class Drained:
    """A session that has run to its end before it gives its first frame: as far ahead of its reader as can be."""

    def __init__(self, session: StreamSession[Any]) -> None:
        self._session = session

    def __iter__(self) -> Iterator[StreamFrame]:
        with contextlib.suppress(Exception):
            list(self._session)
        yield from self._session.frames

    @property
    def frames(self) -> list[StreamFrame]:
        return self._session.frames

    @property
    def result(self) -> Any:
        return self._session.result

    def close(self) -> None:
        self._session.close()


def drained_story() -> Drained:
    return Drained(StoryFlow().stream_events())
