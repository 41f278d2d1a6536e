"""A sound conversation without an engine: it emits what a turn owes its readers, and does what the program says."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import harness
from conformance.stage.programs import Ask, ConversationProgram, FlowProgram, Method, route_to
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.subject import Performance
from harness import AsyncStreamSession, StreamSession, events
from harness.events import BaseEvent
from harness.events.messages import ConversationMessageAddedEvent
from harness.workers import in_thread


@dataclass(frozen=True)
class Message:
    role: str
    content: str


@dataclass
class State:
    id: str = "s1"
    messages: list[Message] = field(default_factory=list)


class Waits(Exception):  # noqa: N818 - as runtimes name what is raised and is no error
    """The result of a turn that waits for a human."""


class Conversation:
    """A conversational flow object; every part of a turn is a method of its own, to be overridden."""

    stream = False

    def __init__(self, program: ConversationProgram, performance: Performance, subject: Conversing) -> None:
        self._program = program
        self._performance = performance
        self.subject = subject
        self.llm = subject.noted_llm(Ask(stream=program.stream), performance)
        self.state = State()
        self._open = threading.Lock()
        self.is_started = False
        self.has_replied = False

    def stream_turn(self, message: str, *, session_id: str | None = None) -> Any:
        return StreamSession(lambda: self.take(message, session_id), source=self)

    def astream_turn(self, message: str, *, session_id: str | None = None) -> Any:
        return AsyncStreamSession(lambda: in_thread(lambda: self.take(message, session_id)), source=self)

    def stream_events(self) -> Any:
        return StreamSession(self.run_plainly, source=self)

    def astream(self) -> Any:
        return AsyncStreamSession(lambda: in_thread(self.run_plainly), source=self)

    def run_plainly(self) -> None:
        """Run without a message: there is nothing to do."""

    def finalize_session_traces(self) -> None:
        if self._program.deferred:
            self.emit(events.FlowFinishedEvent, result=None)

    def append_assistant_message(self, text: str) -> None:
        self.has_replied = True
        self.add("assistant", text)

    def take(self, message: str, session_id: str | None) -> Any:
        if not self.begin():
            raise RuntimeError("a turn of this conversation is open: read it to its end first")
        try:
            self.state.id = self.named(session_id)
            return self.turn(message)
        finally:
            self.end()

    def begin(self) -> bool:
        return self._open.acquire(blocking=False)

    def end(self) -> None:
        self._open.release()

    def named(self, session_id: str | None) -> str:
        return session_id or self.state.id

    def turn(self, message: str) -> Any:
        self.emit(events.ConversationTurnStartedEvent, session_id=self.state.id)
        try:
            value = self.run(message)
        except Exception as error:
            self.fail(error)
            raise
        if not isinstance(value, Waits):
            self.complete()
        return value

    def complete(self) -> None:
        self.emit(events.ConversationTurnCompletedEvent, session_id=self.state.id)

    def fail(self, error: Exception) -> None:
        told = {"error": str(error), "error_type": type(error).__name__}
        self.emit(events.ConversationTurnFailedEvent, session_id=self.state.id, **told)

    def run(self, message: str) -> Any:
        self.has_replied = False
        self.start_flow()
        try:
            self.hear(message)
            handler = next((one for one in self._program.handlers if route_to(one.name) in message), None)
            self.route("converse_turn" if handler is None else handler.name)
            value = self.answer(message, handler)
        except Exception as error:
            if not self._program.deferred:
                self.emit(events.FlowFailedEvent, error=str(error), error_type=type(error).__name__)
            raise
        if not isinstance(value, Waits):
            if not self.has_replied:
                self.append_assistant_message(str(value))
            if not self._program.deferred:
                self.emit(events.FlowFinishedEvent, result=value)
        return value

    def start_flow(self) -> None:
        if not self._program.deferred:
            self.emit(events.FlowStartedEvent)
        elif not self.is_started:
            # In a context of its own: a flow that goes on after the turn opens no scope of it.
            contextvars.copy_context().run(self.emit, events.FlowStartedEvent)
        self.is_started = True

    def hear(self, message: str) -> None:
        self.add("user", message)

    def route(self, to: str) -> None:
        self.emit(events.MethodExecutionStartedEvent, method_name="route_conversation")
        self.emit(events.ConversationRouteSelectedEvent, session_id=self.state.id, route=to)
        self.emit(events.MethodExecutionFinishedEvent, method_name="route_conversation", result=to)

    def answer(self, message: str, handler: Method | None) -> Any:
        name = "converse_turn" if handler is None else handler.name
        self.emit(events.MethodExecutionStartedEvent, method_name=name)
        try:
            value = self.converse() if handler is None else self.handle(handler)
        except Exception as error:
            told = {"error": str(error), "error_type": type(error).__name__}
            self.emit(events.MethodExecutionFailedEvent, method_name=name, **told)
            raise
        if handler is not None and handler.feedback is not None:
            return self.wait(name)
        self.emit(events.MethodExecutionFinishedEvent, method_name=name, result=value)
        return value

    def converse(self) -> str:
        messages = [{"role": one.role, "content": one.content} for one in self.state.messages]
        with self.subject.overriding(self.llm, stream=True):
            reply = str(self.llm.call(messages))
        self.append_assistant_message(reply)
        return reply

    def handle(self, handler: Method) -> Any:
        if handler.is_async:
            return asyncio.run(self.subject.aperform(self, handler.steps, self._performance))
        return self.subject.perform(self, handler.steps, self._performance)

    def wait(self, name: str) -> Any:
        self.emit(events.MethodExecutionPausedEvent, method_name=name, flow_id=self.state.id)
        self.emit(events.FlowPausedEvent, method_name=name, flow_id=self.state.id)
        return Waits("for a human")

    def add(self, role: str, content: str) -> None:
        self.state.messages.append(Message(role, content))
        self.emit(ConversationMessageAddedEvent, session_id=self.state.id, role=role, content=content)

    def emit(self, event: Callable[..., BaseEvent], **fields: Any) -> None:
        harness.event_bus.emit(self, event(flow_name=self._program.name, **fields))


class Conversing(HarnessSubject):
    """The runtime of this project with such conversations."""

    capabilities = HarnessSubject.capabilities | {"turn", "feedback"}

    def __init__(self, conversation: type[Conversation] = Conversation) -> None:
        self._conversation = conversation

    def conversation(self, program: ConversationProgram, performance: Performance) -> Any:
        return self._conversation(program, performance, self)

    def is_pending(self, value: Any) -> bool:
        return isinstance(value, Waits)

    def flow(self, program: FlowProgram, performance: Performance, **options: Any) -> Any:
        flow = super().flow(program, performance, **options)
        flow.stream_turn = self.refuse
        return flow

    def refuse(self, message: str) -> Any:
        raise ValueError("this flow is not conversational")
