"""LLMs that answer from a script of parts, the ways to run a call, and frames as a transcript."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from harness.frames.frame import StreamFrame
from harness.llm import BaseLLM, LLMRequest, Part
from harness.session.session import AsyncStreamSession, StreamSession

Step = Part | BaseException
Way = Literal["sync", "async"]
WAYS: tuple[Way, ...] = ("sync", "async")


class _Script(BaseLLM):
    """Keeps its requests. A step that is an exception is raised in its place; what is after the last step is its end."""

    def __init__(self, *script: Step, model: str = "scripted-1", **settings: Any) -> None:
        super().__init__(model, **settings)
        self.script = script
        self.requests: list[LLMRequest] = []

    def _steps(self, request: LLMRequest) -> Iterator[Part]:
        self.requests.append(request)
        for step in self.script:
            if isinstance(step, BaseException):
                raise step
            yield step


class Scripted(_Script):
    """An integration that implements `generate` alone."""

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield from self._steps(request)


class AsyncScripted(_Script):
    """An integration that implements `agenerate` alone."""

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        for part in self._steps(request):
            await asyncio.sleep(0)
            yield part


@dataclass(frozen=True)
class Ran:
    """What one run gave."""

    frames: list[StreamFrame]
    result: Any = None
    error: BaseException | None = None

    @property
    def transcript(self) -> list[str]:
        return [told(frame) for frame in self.frames]


def streamed(llm: BaseLLM, way: Way, *arguments: Any, **keywords: Any) -> Ran:
    """Return what a session of the call gives to one who reads it to its end."""
    if way == "sync":
        return read(llm.stream_events(*arguments, **keywords))
    return asyncio.run(aread(llm.astream(*arguments, **keywords)))


def called(llm: BaseLLM, way: Way, *arguments: Any, **keywords: Any) -> Any:
    """Return what the call itself returns, outside of any session."""
    if way == "sync":
        return llm.call(*arguments, **keywords)
    return asyncio.run(llm.acall(*arguments, **keywords))


def in_session(llm: BaseLLM, way: Way, *arguments: Any, **keywords: Any) -> Ran:
    """Return what a session around `call` gives, in which the LLM's own setting decides whether it streams."""
    if way == "sync":
        return read(StreamSession(lambda: llm.call(*arguments, **keywords)))
    return asyncio.run(aread(AsyncStreamSession(lambda: llm.acall(*arguments, **keywords))))


def read(session: StreamSession[Any]) -> Ran:
    try:
        for _ in session:
            pass
    except BaseException as error:
        assert _raised(lambda: session.result) is error
        return Ran(session.frames, error=error)
    return Ran(session.frames, session.result)


async def aread(session: AsyncStreamSession[Any]) -> Ran:
    try:
        async for _ in session:
            pass
    except BaseException as error:
        assert _raised(lambda: session.result) is error
        return Ran(session.frames, error=error)
    return Ran(session.frames, session.result)


def _raised(ask: Callable[[], Any]) -> BaseException | None:
    try:
        ask()
    except BaseException as error:
        return error
    return None


def text_of(frames: Iterable[StreamFrame]) -> str:
    return "".join(frame.content for frame in frames if frame.type == "llm_stream_chunk")


def told(frame: StreamFrame) -> str:
    """Return one line that says what a reader of the frame learns."""
    payload = frame.data
    match frame.type:
        case "llm_stream_chunk" if payload["call_type"] == "tool_call":
            call = payload["tool_call"]
            function = call["function"]
            return (
                f"call {call['index']} {call['id']} {function['name']} {payload['chunk']!r} of {function['arguments']}"
            )
        case "llm_stream_chunk":
            return f"text {payload['chunk']!r}"
        case "llm_thinking_chunk":
            return f"thinking {payload['chunk']!r}"
        case "llm_call_completed":
            response = payload["response"]
            if payload["call_type"] == "tool_call":
                response = [
                    f"{call['id']} {call['function']['name']} {call['function']['arguments']}" for call in response
                ]
            return f"completed {response!r} {payload['finish_reason']}"
        case "llm_call_failed":
            return f"failed {payload['error_type']}"
        case "tool_usage_started":
            return f"tool {payload['tool_name']} started"
        case "tool_usage_finished":
            return f"tool {payload['tool_name']} finished {payload['output']!r}"
        case "tool_usage_error":
            return f"tool {payload['tool_name']} {payload['error_type']}"
        case other:
            return other.removeprefix("llm_call_")
