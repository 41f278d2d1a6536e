"""An LLM that gives one answer after the other, agents of it, and frames as a transcript."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from harness import Agent, BaseLLM, StreamFrame, tool
from harness.llm import Finish, LLMRequest, Part, TextDelta, ToolCallDelta, Usage
from harness.tools import ToolFailure

Way = Literal["sync", "async"]
WAYS: tuple[Way, ...] = ("sync", "async")


@dataclass(frozen=True)
class Calls:
    """An answer that asks for tools, each by its name with its arguments."""

    asked: tuple[tuple[str, Any], ...]
    #: What the model says before it asks.
    beside: str = ""
    reason: Literal["tool_calls", "length"] = "tool_calls"


def calls(*asked: tuple[str, Any], beside: str = "") -> Calls:
    return Calls(asked, beside)


class Held:
    """An answer that does not come until it is let go."""

    def __init__(self, text: str = "late") -> None:
        self.text = text
        self.reached = threading.Event()
        self.let_go = threading.Event()


@dataclass(frozen=True)
class Cut:
    """An answer that a limit cuts off."""

    text: str


Answer = str | Calls | Cut | BaseException | Held


class Speaker(BaseLLM):
    """Answers in turn; the last answer is given again and again. Keeps its requests."""

    provider = "scripted"

    def __init__(self, *answers: Answer, functions: bool = True, **settings: Any) -> None:
        super().__init__(settings.pop("model", "speaker"), **settings)
        self.answers = answers
        self.functions = functions
        self.requests: list[LLMRequest] = []
        self._lock = threading.Lock()

    def supports_function_calling(self) -> bool:
        return self.functions

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        with self._lock:
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(request)
            number = len(self.requests)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Held):
            answer.reached.set()
            assert answer.let_go.wait(30)
            answer = answer.text
        if isinstance(answer, Calls):
            if answer.beside:
                yield TextDelta(answer.beside)
            for place, (name, arguments) in enumerate(answer.asked):
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                yield ToolCallDelta(place, f"call-{number}-{place}", name, text)
            yield Usage(5, 2, 7)
            yield Finish(answer.reason)
            return
        text = answer.text if isinstance(answer, Cut) else answer
        for word in text.splitlines(keepends=True):
            yield TextDelta(word)
        yield Usage(10, 3, 13)
        yield Finish("length" if isinstance(answer, Cut) else "stop")

    def said_to(self, number: int) -> list[str]:
        """Return what the model was told in its request of that number."""
        return [str(message.content) for message in self.requests[number].messages]


class AsyncSpeaker(Speaker):
    """The same, as an integration that implements `agenerate` alone."""

    generate = BaseLLM.generate

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        for part in Speaker.generate(self, request):
            await asyncio.sleep(0)
            yield part


@tool("Get tide")
def tide(place: str) -> str:
    """Tell how high the water is at a place."""
    return f"high at {place}"


@tool("sink")
def sink(place: str) -> str:
    """Always fails."""
    raise RuntimeError(f"no water at {place}")


@tool("report")
def report(place: str) -> ToolFailure:
    """Always reports a failure."""
    return ToolFailure(message=f"{place} is closed", code="closed")


#: An answer that asks for a tide.
ASKED = calls(("get_tide", {"place": "Bergen"}))


def agent(*answers: Answer, llm: Any = None, **options: Any) -> Agent:
    """Return an agent whose model gives these answers."""
    return Agent(
        **{
            "role": "Pilot",
            "goal": "Bring ships in.",
            "backstory": "Knows the coast.",
            "llm": llm or Speaker(*answers),
            **options,
        }
    )


def by(way: Way, call: Callable[[], Any], acall: Callable[[], Any]) -> Any:
    """Return what one of two calls gives."""
    if way == "sync":
        return call()

    async def awaited() -> Any:
        return await acall()

    return asyncio.run(awaited())


def kicked_off(one: Any, way: Way, *arguments: Any, **options: Any) -> Any:
    """Return what a kickoff of an agent or a crew gives."""
    return by(way, lambda: one.kickoff(*arguments, **options), lambda: one.kickoff_async(*arguments, **options))


def session_of(one: Any, way: Way, *arguments: Any, **options: Any) -> tuple[list[StreamFrame], Any]:
    """Return the frames of a session of an agent or a crew, and its result, or what it raised."""
    if way == "sync":
        session = one.stream_events(*arguments, **options)
        try:
            for _ in session:
                pass
        except BaseException as error:
            return session.frames, error
        return session.frames, session.result

    async def read() -> tuple[list[StreamFrame], Any]:
        session = one.astream(*arguments, **options)
        try:
            async for _ in session:
                pass
        except BaseException as error:
            return session.frames, error
        return session.frames, session.result

    return asyncio.run(read())


def left(runs: Any, reached: Iterable[threading.Event], way: Way) -> Any:
    """Return a session of an agent or a crew that is closed once its run has come so far."""

    def close() -> Any:
        session = runs.stream_events(*given)
        next(iter(session))
        for each in reached:
            assert each.wait(30)
        session.close()
        return session

    async def aclose() -> Any:
        session = runs.astream(*given)
        await anext(aiter(session))
        for each in reached:
            assert await asyncio.to_thread(each.wait, 30)
        await session.aclose()
        return session

    given = ("Go.",) if isinstance(runs, Agent) else ()
    return by(way, close, aclose)


def tree(frames: Iterable[StreamFrame], *, chunks: bool = False) -> list[str]:
    """Return the types of frames, each indented by how deep it stands; an end is as deep as its beginning."""
    depths: dict[str | None, int] = {None: -1}
    lines = []
    for frame in frames:
        depth = depths[frame.parent_id] + 1
        depths[frame.id] = depth
        if chunks or not frame.type.endswith("_chunk"):
            lines.append("  " * depth + frame.type)
    return lines
