"""Performing the steps of methods: what a run does inside, in sync code and in async code."""

from __future__ import annotations

import contextvars
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from conformance.stage.payloads import payload_event
from conformance.stage.programs import (
    Ask,
    AskHuman,
    Block,
    CrewProgram,
    Emit,
    EmitBuiltIn,
    EmitPayload,
    FlowProgram,
    Give,
    Nest,
    Raise,
    Reach,
    ReadFlag,
    Reply,
    RunCrew,
    Spawn,
    Step,
)
from conformance.subjects.crews import arun_crew, run_crew
from conformance.subjects.names import Names
from conformance.subjects.subject import Performance


class StepPerformer(ABC):
    """What knows every step that a method can have."""

    names: Names

    @abstractmethod
    def flow(self, program: FlowProgram, performance: Performance) -> Any:
        """Return the flow object that is run inside; see `Subject`."""

    @abstractmethod
    def crew(self, program: CrewProgram, performance: Performance, *, stream: bool) -> Any:
        """Return the crew that is run inside; see `Subject`."""

    @abstractmethod
    def llm(self, performance: Performance, **settings: Any) -> Any:
        """Return an LLM that asks the performance's provider; see `Subject`."""

    def perform(self, flow: Any, steps: tuple[Step, ...], performance: Performance) -> Any:
        value = None
        for step in steps:
            match step:
                case Block(point):
                    performance.stage.block(point)
                case Ask():
                    llm = self.noted_llm(step, performance)
                    value = llm.call(performance.provider.prompt_for(step.script), **tools_of(step))
                case Nest():
                    inner = self.flow(step.program, performance)
                    value = _read(inner.stream_events(), performance) if step.streamed else inner.kickoff()
                case RunCrew():
                    crew = self.crew(step.program, performance, stream=step.streamed)
                    value = run_crew(crew, step, performance)
                case AskHuman(message):
                    value = flow.ask(message)
                case Spawn():
                    self._spawn(flow, step, performance)
                case Give(returned):
                    return returned
                case _:
                    self._simple(flow, step, performance)
        return value

    async def aperform(self, flow: Any, steps: tuple[Step, ...], performance: Performance) -> Any:
        value = None
        for step in steps:
            match step:
                case Block(point):
                    await performance.stage.ablock(point)
                case Ask():
                    llm = self.noted_llm(step, performance)
                    value = await llm.acall(performance.provider.prompt_for(step.script), **tools_of(step))
                case Nest():
                    inner = self.flow(step.program, performance)
                    value = await _aread(inner.astream(), performance) if step.streamed else await inner.akickoff()
                case RunCrew():
                    crew = self.crew(step.program, performance, stream=step.streamed)
                    value = await arun_crew(crew, step, performance)
                case AskHuman(message):
                    value = flow.ask(message)
                case Emit(note, kind, True):
                    await self.names.event_bus.aemit(flow, self._probe(note, kind, performance))
                case Give(returned):
                    return returned
                case _:
                    self._simple(flow, step, performance)
        return value

    def _simple(self, flow: Any, step: Step, performance: Performance) -> None:
        match step:
            case Emit(note, kind):
                self.names.event_bus.emit(flow, self._probe(note, kind, performance))
            case EmitPayload(name):
                self.names.event_bus.emit(flow, _noted(payload_event(name, self.names.BaseEvent), performance))
            case EmitBuiltIn(name, fields):
                event_class = _class_of(name, self.names.BaseEvent)
                self.names.event_bus.emit(flow, _noted(event_class(**fields), performance))
            case Reach(point):
                performance.stage.reach(point)
            case Reply(text):
                flow.append_assistant_message(text)
            case ReadFlag():
                performance.stage.note("flag", flow.stream)
            case Raise(error_type):
                error = error_type("raised by the program")
                performance.stage.note("raised", error)
                raise error
            case _:
                raise TypeError(f"a step that this subject does not know: {step!r}")

    def noted_llm(self, ask: Ask, performance: Performance) -> Any:
        llm = self.llm(performance, **settings_of(ask))
        performance.stage.note("llm", llm)
        return llm

    def _probe(self, note: str, kind: str, performance: Performance) -> Any:
        return _noted(self.names.ProbeEvent(type=kind, note=note), performance)

    def _spawn(self, flow: Any, step: Spawn, performance: Performance) -> None:
        def work() -> None:
            self.perform(flow, step.steps, performance)

        context = contextvars.copy_context() if step.with_context else contextvars.Context()
        thread = threading.Thread(target=context.run, args=(work,), name="program", daemon=True)
        thread.start()
        thread.join()


def _noted(event: Any, performance: Performance) -> Any:
    """Note that user code emits this: such events need not open, close or nest."""
    performance.stage.note("emitted", event.event_id)
    return event


def _class_of(event_type: str, base: Any) -> Any:
    for event_class in all_classes(base):
        # Classes of the user's own take their type from whoever makes them.
        if event_class.model_fields["type"].default == event_type:
            return event_class
    raise TypeError(f"this subject has no built-in event {event_type!r}")


def all_classes(base: Any) -> list[Any]:
    return [base, *(found for child in base.__subclasses__() for found in all_classes(child))]


def settings_of(ask: Ask) -> dict[str, Any]:
    """Return what is said of the LLM when it is made: nothing, where the program says nothing."""
    unmarked = {"without_end_marker": True} if ask.without_end_marker else {}
    return {**({} if ask.stream is None else {"stream": ask.stream}), **unmarked}


def tools_of(ask: Ask) -> dict[str, Any]:
    if not ask.functions:
        return {}
    tools = [
        {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object"}}}
        for name in ask.functions
    ]
    return {"tools": tools, "available_functions": returning(ask.functions)}


def returning(values: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    def returning(value: Any) -> Callable[..., Any]:
        return lambda **arguments: value

    return {name: returning(value) for name, value in values.items()}


def _read(session: Any, performance: Performance) -> Any:
    performance.stage.note("inner", list(session))
    return session.result


async def _aread(session: Any, performance: Performance) -> Any:
    performance.stage.note("inner", [frame async for frame in session])
    return session.result
