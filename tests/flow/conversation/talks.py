"""Models that answer from a list, conversations made with them, and turns as transcripts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Literal

from harness import Flow, listen, start
from harness.conversation import ConversationConfig, RouterConfig
from harness.frames.frame import StreamFrame
from harness.llm import BaseLLM, Finish, LLMRequest, Part, TextDelta

#: The entry points of a turn.
Way = Literal["handle_turn", "ahandle_turn", "stream_turn", "astream_turn"]
WAYS: tuple[Way, ...] = ("handle_turn", "ahandle_turn", "stream_turn", "astream_turn")
STREAMED: tuple[Way, ...] = ("stream_turn", "astream_turn")


class Speaker(BaseLLM):
    """Answers with its lines, one for each call, the last one again and again; keeps what it was asked."""

    def __init__(self, *lines: str | BaseException, model: str = "speaker-1", **settings: Any) -> None:
        super().__init__(model, **settings)
        self.lines = list(lines)
        self.requests: list[LLMRequest] = []

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        self.requests.append(request)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        if isinstance(line, BaseException):
            raise line
        half = len(line) // 2
        yield TextDelta(line[:half])
        yield TextDelta(line[half:])
        yield Finish("stop")

    def asked(self, call: int = -1) -> list[tuple[str, str]]:
        """Return the messages of a call, by role."""
        return [(str(message.role), str(message.content)) for message in self.requests[call].messages]


def talk(base: type[Flow[Any]] = Flow, **config: Any) -> Flow[Any]:
    """Return a conversation of a class made with this config, around `base`."""
    made = type(base.__name__, (base,), {"__doc__": base.__doc__})
    flow: Flow[Any] = ConversationConfig(**config)(made)()
    return flow


def routed(base: type[Flow[Any]], llm: Any, answerer: Any = None, **router: Any) -> Flow[Any]:
    """Return a conversation whose routes are chosen by `llm`."""
    return talk(base, llm=answerer, router=RouterConfig(llm=llm, **router))


def take(flow: Flow[Any], way: Way, message: Any, **options: Any) -> tuple[Any, list[StreamFrame]]:
    """Take a turn, and return what it came to and, of a streamed one, its frames."""
    if way == "handle_turn":
        return flow.handle_turn(message, **options), []
    if way == "stream_turn":
        session = flow.stream_turn(message, **options)
        frames = list(session)
        return session.result, frames
    return asyncio.run(_atake(flow, way, message, options))


async def _atake(flow: Flow[Any], way: Way, message: Any, options: dict[str, Any]) -> tuple[Any, list[StreamFrame]]:
    if way == "ahandle_turn":
        return await flow.ahandle_turn(message, **options), []
    session = flow.astream_turn(message, **options)
    frames = [frame async for frame in session]
    return session.result, frames


def said(flow: Flow[Any]) -> list[str]:
    """Return the transcript, as lines."""
    return [f"{message.role}: {message.content}" for message in flow.state.messages]


def story(frames: list[StreamFrame]) -> list[str]:
    """Return what the frames of a turn tell, a line for each but the chunks."""
    lines = []
    for frame in frames:
        data = frame.data
        match frame.type:
            case "conversation_message_added":
                lines.append(f"{data['role']}: {data['content']}")
            case "conversation_route_selected":
                lines.append(f"to {data['route']}")
            case "method_execution_started" | "method_execution_finished" | "method_execution_failed":
                lines.append(f"{data['method_name']} {frame.type.rpartition('_')[2]}")
            case "llm_stream_chunk":
                pass
            case other:
                lines.append(other.removeprefix("conversation_").removeprefix("llm_").replace("_", " "))
    return lines


class Plain(Flow[Any]):
    @start()
    def begin(self) -> None: ...


class Harbour(Flow[Any]):
    """Answers what is said of boats itself."""

    def route_turn(self, context: dict[str, Any]) -> str | None:
        return next((label for label in ("BOATS", "FAIL") if label.lower() in context["current_user_message"]), None)

    @listen("BOATS")
    def count(self) -> Any:
        return "All boats are home."

    @listen("FAIL")
    def fail(self) -> Any:
        raise LookupError("no such boat")
