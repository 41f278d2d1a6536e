"""A runtime in which humans are asked: it performs methods one after the other, and keeps what waits."""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import Any, Self
from uuid import uuid4

from conformance.stage.programs import FlowProgram, Method
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.subject import Performance
from harness import AsyncStreamSession, BaseEvent, StreamSession, event_bus
from harness.events import (
    FlowFinishedEvent,
    FlowInputReceivedEvent,
    FlowInputRequestedEvent,
    FlowPausedEvent,
    FlowStartedEvent,
    HumanFeedbackReceivedEvent,
    HumanFeedbackRequestedEvent,
    MethodExecutionFinishedEvent,
    MethodExecutionPausedEvent,
    MethodExecutionStartedEvent,
)


class Pending(Exception):  # noqa: N818 - named as users know it: a signal and no error
    """What a flow that waits ends with."""

    def __init__(self, flow_id: str) -> None:
        self.context = SimpleNamespace(flow_id=flow_id)


class PausingFlow:
    """A flow object. What a broken one does otherwise is one of its methods."""

    program: FlowProgram
    subject: PausingSubject
    performance: Performance
    stream = False

    def __init__(
        self, persistence: dict[str, tuple[set[str], str]] | None = None, *, input_provider: Any = None
    ) -> None:
        self.input_provider = input_provider
        #: By id: the methods that a waiting flow has finished, and the one that it waits in.
        self.persistence = {} if persistence is None else persistence
        self.id = uuid4().hex
        self.finished: set[str] = set()
        self.waiting: str | None = None
        self.answer: str | None = None

    @classmethod
    def from_pending(cls, flow_id: str, *, persistence: dict[str, tuple[set[str], str]]) -> Self:
        flow = cls(persistence)
        flow.finished, flow.waiting = persistence.pop(flow_id)
        return flow

    def stream_events(self) -> Any:
        return StreamSession(self.run)

    def astream(self) -> Any:
        return AsyncStreamSession(partial(asyncio.to_thread, self.run))

    def resume(self, feedback: str) -> Any:
        self.answer = feedback
        return self.stream_events() if self.stream else self.run()

    async def resume_async(self, feedback: str) -> Any:
        self.answer = feedback
        return self.astream() if self.stream else await asyncio.to_thread(self.run)

    def run(self) -> Any:
        self.emit(FlowStartedEvent(flow_name=self.program.name))
        value = None
        for method in self.program.methods:
            if method.name in self.finished:
                continue
            self.emit(MethodExecutionStartedEvent(flow_name=self.program.name, method_name=method.name))
            if method.name != self.waiting:
                value = self.subject.steps(self, method, self.performance)
            if method.feedback is not None:
                answer = self.answer if method.name == self.waiting else self.answer_to(method)
                if answer is None:
                    return self.pause(method)
                self.received(method, answer)
            self.emit(MethodExecutionFinishedEvent(flow_name=self.program.name, method_name=method.name, result=value))
            self.finished.add(method.name)
        self.emit(FlowFinishedEvent(flow_name=self.program.name, result=value))
        return value

    def answer_to(self, method: Method) -> str | None:
        assert method.feedback is not None
        self.requested(method)
        return input() if method.feedback.asked_by == "terminal" else method.feedback.answer

    def ask(self, message: str) -> str:
        asked: dict[str, Any] = {
            "flow_name": self.program.name,
            "method_name": self.program.methods[0].name,
            "message": message,
        }
        self.emit(FlowInputRequestedEvent(**asked))
        answer: str = self.input_provider.request_input(message, self)
        self.emit(FlowInputReceivedEvent(**asked, response=answer))
        return answer

    def requested(self, method: Method) -> None:
        assert method.feedback is not None
        self.emit(
            HumanFeedbackRequestedEvent(
                flow_name=self.program.name, method_name=method.name, message=method.feedback.message
            )
        )

    def received(self, method: Method, answer: str) -> None:
        self.emit(HumanFeedbackReceivedEvent(flow_name=self.program.name, method_name=method.name, feedback=answer))

    def pause(self, method: Method) -> Any:
        self.keep(method)
        self.emit(MethodExecutionPausedEvent(flow_name=self.program.name, method_name=method.name, flow_id=self.id))
        self.emit(FlowPausedEvent(flow_name=self.program.name, method_name=method.name, flow_id=self.id))
        return Pending(self.id)

    def keep(self, method: Method) -> None:
        self.persistence[self.id] = (self.finished, method.name)

    def emit(self, event: BaseEvent) -> None:
        event_bus.emit(self, event)


class PausingSubject(HarnessSubject):
    """The runtime of this project, with flows that wait for humans."""

    capabilities = HarnessSubject.capabilities | {"feedback"}

    def __init__(self, flow_class: type[PausingFlow] = PausingFlow) -> None:
        self._flow_class = flow_class

    def flow(self, program: FlowProgram, performance: Performance, **options: Any) -> Any:
        body = {"program": program, "subject": self, "performance": performance}
        return type(program.name, (self._flow_class,), body)(**options)

    def is_pending(self, value: Any) -> bool:
        return isinstance(value, Pending)

    def steps(self, flow: Any, method: Method, performance: Performance) -> Any:
        """Perform the steps of a method in the calling thread, whatever the kind of the session."""
        return self.perform(flow, method.steps, performance)
