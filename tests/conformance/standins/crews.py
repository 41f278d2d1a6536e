"""A sound runtime with crews: one agent that does its tasks in turn, written by hand on this project's sessions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID, uuid4

from msgspec.structs import replace

import harness
from conformance.subjects.harness import HarnessSubject
from harness import events
from harness.events.base import BaseEvent

T = TypeVar("T")
#: Asks the agent's model: `(messages, **options)`.
Ask = Callable[..., Awaitable[Any]]


@dataclass
class Agent:
    role: str
    goal: str
    backstory: str
    llm: harness.LLM
    max_retry_limit: int = 2
    tools: list[Tool] = field(default_factory=list)
    id: UUID = field(default_factory=uuid4)


@dataclass
class Task:
    name: str
    description: str
    expected_output: str
    agent: Agent
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Tool:
    name: str
    run: Callable[..., str]

    @property
    def offered(self) -> dict[str, Any]:
        parameters = {"type": "object", "properties": {"place": {"type": "string"}}}
        return {"type": "function", "function": {"name": self.name, "description": "", "parameters": parameters}}


def tool(name: str) -> Callable[[Callable[..., str]], Tool]:
    return lambda run: Tool(name, run)


@dataclass(frozen=True)
class TaskOutput:
    name: str
    raw: str


@dataclass(frozen=True)
class CrewOutput:
    tasks_output: list[TaskOutput]

    @property
    def raw(self) -> str:
        return self.tasks_output[-1].raw

    def __str__(self) -> str:
        return self.raw


class CrewStreamingOutput:
    """The chunks of a session's frames, each with the place of its task."""

    def __init__(self, crew: Crew, session: Any) -> None:
        self.crew = crew
        self.session = session

    def chunk(self, frame: Any) -> harness.StreamChunk | None:
        projected = harness.stream_frame_to_chunk(frame)
        if projected is None:
            return None
        places = {str(task.id): place for place, task in enumerate(self.crew.tasks)}
        return projected.model_copy(update={"task_index": places[projected.task_id]})

    def __iter__(self) -> Iterator[harness.StreamChunk]:
        return (chunk for frame in self.session if (chunk := self.chunk(frame)) is not None)

    async def __aiter__(self) -> AsyncIterator[harness.StreamChunk]:
        async for frame in self.session:
            if (chunk := self.chunk(frame)) is not None:
                yield chunk

    @property
    def chunks(self) -> list[harness.StreamChunk]:
        return [chunk for frame in self.session.frames if (chunk := self.chunk(frame)) is not None]

    def get_full_text(self) -> str:
        text = harness.StreamChunkType.TEXT
        return "".join(chunk.content for chunk in self.chunks if chunk.chunk_type is text)

    @property
    def result(self) -> Any:
        return self.session.result

    @property
    def is_completed(self) -> bool:
        return bool(self.session.is_completed)

    @property
    def is_cancelled(self) -> bool:
        return bool(self.session.is_cancelled)

    def close(self) -> None:
        self.session.close()

    async def aclose(self) -> None:
        await self.session.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class Crew:
    name: str
    agents: list[Agent]
    tasks: list[Task]
    stream: bool = False
    #: What a streamed kickoff gives.
    streaming: ClassVar[type[CrewStreamingOutput]] = CrewStreamingOutput

    def kickoff(self) -> Any:
        if self.stream:
            return self.streamed(harness.StreamSession(self.run))
        return self.run()

    async def akickoff(self) -> Any:
        if self.stream:
            return self.streamed(harness.AsyncStreamSession(self.arun))
        return await self.arun()

    kickoff_async = akickoff

    def streamed(self, session: Any) -> Any:
        return self.streaming(self, session)

    def run(self) -> CrewOutput:
        async def ask(messages: Any, **options: Any) -> Any:
            return self.agents[0].llm.call(messages, **options)

        return _finished(self.work(ask))

    async def arun(self) -> CrewOutput:
        return await self.work(self.agents[0].llm.acall)

    async def work(self, ask: Ask) -> CrewOutput:
        started = events.CrewKickoffStartedEvent(crew_name=self.name)
        with self.scope(started, events.CrewKickoffFailedEvent):
            output = CrewOutput([TaskOutput(task.name, await self.do(task, ask)) for task in self.tasks])
            self.emit(events.CrewKickoffCompletedEvent(crew_name=self.name, output=output.raw))
        return output

    async def do(self, task: Task, ask: Ask) -> str:
        names: dict[str, Any] = {"task_id": str(task.id), "task_name": task.name}
        with self.scope(events.TaskStartedEvent(**names), events.TaskFailedEvent, **names):
            agents: dict[str, Any] = {**names, "agent_id": str(task.agent.id), "agent_role": task.agent.role}
            with self.scope(events.AgentExecutionStartedEvent(**agents), events.AgentExecutionErrorEvent, **agents):
                answer = await self.answer(task, ask)
                self.emit(events.AgentExecutionCompletedEvent(output=answer, **agents))
            self.emit(events.TaskCompletedEvent(output=answer, **names))
        return answer

    async def answer(self, task: Task, ask: Ask) -> str:
        """Ask the model, use the tools that it calls, and ask again, until it answers."""
        messages: list[dict[str, Any]] = [{"role": "user", "content": task.description}]
        options: dict[str, Any] = {"from_task": task, "from_agent": task.agent}
        if task.agent.tools:
            options["tools"] = [one.offered for one in task.agent.tools]
        while not isinstance(asked := await ask(messages, **options), str):
            messages.append({"role": "assistant", "content": None, "tool_calls": asked})
            for call in asked:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": self.use(task.agent, call)})
        return asked

    def use(self, agent: Agent, call: dict[str, Any]) -> str:
        name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
        with self.scope(events.ToolUsageStartedEvent(tool_name=name), events.ToolUsageErrorEvent, tool_name=name):
            output = next(one for one in agent.tools if one.name == name).run(**arguments)
            self.emit(events.ToolUsageFinishedEvent(tool_name=name, output=output))
        return output

    def emit(self, event: BaseEvent) -> None:
        harness.event_bus.emit(self, event)

    @contextmanager
    def scope(self, started: BaseEvent, failed: Callable[..., BaseEvent], **names: Any) -> Iterator[None]:
        self.emit(started)
        try:
            yield
        except BaseException as error:
            self.emit(failed(error=str(error), error_type=type(error).__name__, **names))
            raise


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` comes to, which awaits nothing that is not there at once."""
    try:
        work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("the work waits for something")


class CrewSubject(HarnessSubject):
    """This project's runtime, with crews of the given classes."""

    capabilities = HarnessSubject.capabilities | {"crew"}

    def __init__(self, crew: type[Crew] = Crew) -> None:
        self.names = replace(HarnessSubject.names, Agent=Agent, Task=Task, Crew=crew, tool=tool)
