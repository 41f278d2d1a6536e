"""Performing the steps of methods: what a run does inside, in sync code and in async code."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from conformance.stage.payloads import payload_event
from conformance.stage.points import Stage
from conformance.stage.programs import (
    Ask,
    AskHuman,
    Block,
    CrewProgram,
    Emit,
    Give,
    Nest,
    Raise,
    Reach,
    ReadFiles,
    ReadFlag,
    Reply,
    Spawn,
    Step,
)
from conformance.subjects.crews import arun_crew, run_crew
from conformance.subjects.names import Names
from conformance.subjects.subject import Performance


class StepPerformer:
    """What knows every step that a method of one flow can have; its subject says what is run inside."""

    def __init__(self, subject: Any, flow: Any, performance: Performance) -> None:
        self._subject = subject
        self._flow = flow
        self._performance = performance
        self._stage = performance.stage
        self._names: Names = subject.names
        self._bus = subject.names.event_bus

    def perform(self, steps: tuple[Step, ...]) -> Any:
        value = None
        for step in steps:
            match step:
                case Block(point):
                    self._stage.block(point)
                case Ask() | Nest():
                    value = self._run(step, is_async=False)
                case AskHuman(message):
                    value = self._flow.ask(message)
                case Spawn():
                    self._spawn(step)
                case Give(returned):
                    return returned
                case _:
                    self._simple(step)
        return value

    async def aperform(self, steps: tuple[Step, ...]) -> Any:
        value = None
        for step in steps:
            match step:
                case Block(point):
                    await self._stage.ablock(point)
                case Ask() | Nest():
                    value = await self._run(step, is_async=True)
                case AskHuman(message):
                    value = self._flow.ask(message)
                case Emit(awaited=True):
                    await self._bus.aemit(self._flow, self._probe(step))
                case Give(returned):
                    return returned
                case _:
                    self._simple(step)
        return value

    def _run(self, step: Ask | Nest, *, is_async: bool) -> Any:
        """Return what a model, a flow or a crew gives that is run inside; in async code an awaitable of it."""
        subject, performance = self._subject, self._performance
        if isinstance(step, Ask):
            llm = subject.noted_llm(step, performance)
            prompt, tools = performance.provider.prompt_for(step.script), tools_of(step, self._stage)
            if not step.as_session:
                return (llm.acall if is_async else llm.call)(prompt, **tools)
            session = (llm.astream if is_async else llm.stream_events)(prompt, **tools)
        elif isinstance(step.program, CrewProgram):
            crew = subject.crew(step.program, performance, stream=step.streamed)
            return (arun_crew if is_async else run_crew)(crew, step, performance)
        else:
            inner = subject.flow(step.program, performance)
            if not step.streamed:
                return (inner.akickoff if is_async else inner.kickoff)()
            session = (inner.astream if is_async else inner.stream_events)()
            if step.left_at is not None:
                return (_aleave if is_async else _leave)(session, step.left_at)
        return (_aread if is_async else _read)(session, performance)

    def _simple(self, step: Step) -> None:
        match step:
            case Emit():
                self._bus.emit(self._flow, self._probe(step))
            case Reach(point):
                self._stage.reach(point)
            case Reply(text):
                self._flow.append_assistant_message(text)
            case ReadFlag():
                self._stage.note("flag", self._flow.stream)
            case ReadFiles():
                self._stage.note("files", self._subject.given_files(self._flow))
            case Raise(error_type):
                raise_noted(error_type, self._stage)
            case _:
                raise TypeError(f"a step that this subject does not know: {step!r}")

    def _probe(self, step: Emit) -> Any:
        """Make the event, and note that user code emits it: such events need not open, close or nest."""
        if step.payload is not None:
            event = payload_event(step.payload, self._names.BaseEvent)
        elif step.fields is not None:
            event = _class_of(step, self._names.BaseEvent)(**step.fields)
        else:
            event = self._names.ProbeEvent(type=step.type, note=step.note)
        self._stage.note("emitted", event.event_id)
        return event

    def _spawn(self, step: Spawn) -> None:
        context = contextvars.copy_context() if step.with_context else contextvars.Context()
        thread = threading.Thread(target=context.run, args=(self.perform, step.steps), name="program", daemon=True)
        thread.start()
        thread.join()


def _class_of(step: Emit, base: Any) -> Any:
    event_type = step.derived_from or step.type
    for event_class in all_classes(base):
        # Classes of the user's own take their type from whoever makes them.
        if event_class.model_fields["type"].default == event_type:
            body = {"__annotations__": {"type": str}, "type": step.type, "__module__": __name__}
            return type("DerivedEvent", (event_class,), body) if step.derived_from else event_class
    raise TypeError(f"this subject has no built-in event {event_type!r}")


def all_classes(base: Any) -> list[Any]:
    return [base, *(found for child in base.__subclasses__() for found in all_classes(child))]


def settings_of(ask: Ask) -> dict[str, Any]:
    """Return what is said of the LLM when it is made: nothing, where the program says nothing."""
    unmarked = {"without_end_marker": True} if ask.without_end_marker else {}
    return {**({} if ask.stream is None else {"stream": ask.stream}), **unmarked}


def tools_of(ask: Ask, stage: Stage) -> dict[str, Any]:
    if not ask.functions:
        return {}
    tools = [
        {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object"}}}
        for name in ask.functions
    ]
    return {"tools": tools, "available_functions": returning(ask.functions, stage)}


def returning(values: Mapping[str, Any], stage: Stage) -> dict[str, Callable[..., Any]]:
    """Return functions by their names, each of which gives its value, or does the step that stands in its place."""

    def returning(name: str, value: Any) -> Callable[..., Any]:
        def function(**arguments: Any) -> Any:
            stage.note("called", (name, arguments))
            match value:
                case Raise(error_type):
                    raise_noted(error_type, stage)
                case Block(point):
                    stage.block(point)
                    return None
                case Reach(point):
                    stage.reach(point)
                    return None
            return value

        return function

    return {name: returning(name, value) for name, value in values.items()}


def raise_noted(error_type: type[BaseException], stage: Stage) -> NoReturn:
    """Raise an error of the program's, and note it."""
    error = error_type("raised by the program")
    stage.note("raised", error)
    raise error


def _read(session: Any, performance: Performance) -> Any:
    performance.stage.note("inner", list(session))
    return session.result


async def _aread(session: Any, performance: Performance) -> Any:
    performance.stage.note("inner", [frame async for frame in session])
    return session.result


def _leave(session: Any, note: str) -> None:
    for frame in session:
        if frame.data.get("note") == note:
            break
    session.close()


async def _aleave(session: Any, note: str) -> None:
    async for frame in session:
        if frame.data.get("note") == note:
            break
    await session.aclose()
