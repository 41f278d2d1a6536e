"""A runtime that writes checkpoints and restores them: what can begin together does, in threads of its own."""

from __future__ import annotations

import asyncio
import contextvars
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from conformance.stage.programs import FlowProgram, Method
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.restores import memory
from conformance.subjects.subject import Performance
from harness import AsyncStreamSession, BaseEvent, StreamSession, event_bus
from harness.events import (
    CheckpointCompletedEvent,
    CheckpointRestoreCompletedEvent,
    CheckpointRestoreStartedEvent,
    CheckpointStartedEvent,
    FlowFailedEvent,
    FlowFinishedEvent,
    FlowStartedEvent,
    MethodExecutionFailedEvent,
    MethodExecutionFinishedEvent,
    MethodExecutionStartedEvent,
)


class RestoringFlow:
    """A flow object. What a broken one does otherwise is one of its methods."""

    program: FlowProgram
    subject: RestoringSubject
    performance: Performance
    stream = False

    def __init__(self, *, checkpoint: Any = None, persistence: Any = None) -> None:
        self.checkpoint = checkpoint
        self.persistence = persistence
        self.state: dict[str, Any] = {"id": uuid4().hex}
        self.finished: dict[str, Any] = {}

    def kickoff(self, **options: Any) -> Any:
        return self.stream_events(**options) if self.stream else self.run(**options)

    async def kickoff_async(self, **options: Any) -> Any:
        return self.astream(**options) if self.stream else await asyncio.to_thread(self.run, **options)

    def stream_events(self, **options: Any) -> Any:
        return StreamSession(partial(self.run, **options))

    def astream(self, **options: Any) -> Any:
        return AsyncStreamSession(partial(asyncio.to_thread, self.run, **options))

    def run(self, *, from_checkpoint: Any = None, restore_from_state_id: str | None = None) -> Any:
        if from_checkpoint is not None:
            self.restore(from_checkpoint.restore_from)
        if restore_from_state_id is not None:
            self.hydrate(restore_from_state_id)
        self.emit(FlowStartedEvent(flow_name=self.program.name))
        try:
            while ready := [method for method in self.program.methods if self.is_ready(method)]:
                with ThreadPoolExecutor(len(ready)) as pool:
                    begun = [pool.submit(contextvars.copy_context().run, self.perform, method) for method in ready]
                    for method, value in zip(ready, begun, strict=True):
                        self.finished[method.name] = value.result()
        except BaseException as error:
            self.emit(FlowFailedEvent(flow_name=self.program.name, error=str(error), error_type=type(error).__name__))
            raise
        value = self.finished[self.program.methods[-1].name]
        self.emit(FlowFinishedEvent(flow_name=self.program.name, result=value))
        return value

    def is_ready(self, method: Method) -> bool:
        return method.name not in self.finished and self.finished.keys() >= set(method.after)

    def perform(self, method: Method) -> Any:
        named: dict[str, Any] = {"flow_name": self.program.name, "method_name": method.name}
        self.emit(MethodExecutionStartedEvent(**named, state=dict(self.state)))
        try:
            value = self.subject.steps(self, method, self.performance)
        except BaseException as error:
            self.emit(MethodExecutionFailedEvent(**named, error=str(error), error_type=type(error).__name__))
            raise
        self.finished[method.name] = value
        self.emit(MethodExecutionFinishedEvent(**named, result=value))
        if self.checkpoint is not None:
            self.write(Path(self.checkpoint.location) / f"{uuid4().hex}.json")
        return value

    def write(self, path: Path) -> None:
        self.emit(CheckpointStartedEvent(location=str(path)))
        path.write_text(json.dumps(self.finished), encoding="utf-8")
        self.emit(CheckpointCompletedEvent(location=str(path)))

    def restore(self, location: str) -> None:
        self.emit(CheckpointRestoreStartedEvent(location=location))
        self.finished = json.loads(Path(location).read_text(encoding="utf-8"))
        self.emit(CheckpointRestoreCompletedEvent(location=location))

    def hydrate(self, state_id: str) -> None:
        self.state = {**self.persistence.load_state(state_id), "id": self.state["id"]}

    def emit(self, event: BaseEvent) -> None:
        event_bus.emit(self, event)


class RestoringSubject(HarnessSubject):
    """The runtime of this project, with flows that are restored."""

    capabilities = HarnessSubject.capabilities | {"checkpoint"}

    def __init__(self, flow_class: type[RestoringFlow] = RestoringFlow) -> None:
        self._flow_class = flow_class

    def flow(self, program: FlowProgram, performance: Performance, **options: Any) -> Any:
        body = {"program": program, "subject": self, "performance": performance, "stream": bool(program.stream)}
        return type(program.name, (self._flow_class,), body)(**options)

    def checkpoint_config(self, **settings: Any) -> Any:
        return SimpleNamespace(**settings)

    def memory(self) -> Any:
        return memory(object)

    def steps(self, flow: Any, method: Method, performance: Performance) -> Any:
        """Perform the steps of a method in the calling thread, whatever the kind of the session."""
        return self.perform(flow, method.steps, performance)
