"""Performing programs on any runtime that has the public names of this one, which are the reference's.

Two runtimes that share those names share this; each says what its own are.
"""

from __future__ import annotations

import contextvars
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from conformance.payloads import payload_event
from conformance.programs import (
    Ask,
    Block,
    CallProgram,
    Emit,
    EmitBuiltIn,
    EmitPayload,
    FlowProgram,
    Give,
    Method,
    Nest,
    Program,
    Raise,
    Reach,
    ReadFlag,
    RecordedProgram,
    Spawn,
    Step,
)
from conformance.shipped_calls import ShippedCall, shipped_call
from conformance.subjects.subject import Performance, offered


@dataclass(frozen=True)
class Names:
    """A runtime's public names, under the names that this runtime has for them."""

    Flow: Any
    start: Any
    listen: Any
    router: Any
    and_: Any
    or_: Any
    #: An event class of the user's own, with a field `note`, and what such classes are made of.
    ProbeEvent: Any
    BaseEvent: Any
    event_bus: Any
    #: What adds a sink `(source, event)` to the context and what takes it back, by the token that the first returns.
    add_stream_sink: Any
    reset_stream_sinks: Any
    #: Contexts `(llm, value)` in which calls of one LLM stream, or stop at these words.
    call_stream_override: Any
    call_stop_override: Any


#: Provider, by the name of its shipped recordings → the distribution of its official SDK.
_SDKS: Final = {
    "anthropic": "anthropic",
    "azure": "azure-ai-inference",
    "bedrock": "boto3",
    "gemini": "google-genai",
    "openai": "openai",
    "openai_responses": "openai",
}


def reachable_providers() -> frozenset[str]:
    """Return the providers whose SDKs are installed."""

    def is_installed(distribution: str) -> bool:
        try:
            metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return False
        return True

    return frozenset(name for name, sdk in _SDKS.items() if is_installed(sdk))


class ProgramSubject(ABC):
    """A subject whose flows and calls are made of `names`."""

    name: str
    names: Names
    #: The providers that its LLM speaks to, each in its own format, by the names of their shipped recordings.
    providers: frozenset[str] = frozenset()

    def provider_llm(self, recorded: ShippedCall) -> Any:
        """Return an LLM with the model and the settings of a call to one of `providers`."""
        raise TypeError(f"{self.name} does not speak to {recorded.provider}")

    @abstractmethod
    def llm(self, performance: Performance, **settings: Any) -> Any:
        """Return an LLM that asks the performance's provider; see `Subject`."""

    def session(self, program: Program, performance: Performance) -> Any:
        if isinstance(program, FlowProgram):
            return self.flow(program, performance).stream_events()
        return self._call(program, performance, "stream_events")

    def asession(self, program: Program, performance: Performance) -> Any:
        if isinstance(program, FlowProgram):
            return self.flow(program, performance).astream()
        return self._call(program, performance, "astream")

    def _call(self, program: CallProgram | RecordedProgram, performance: Performance, entry: str) -> Any:
        clause = {"stream_events": "entry.llm", "astream": "entry.llm-async"}[entry]
        if isinstance(program, RecordedProgram):
            recorded = shipped_call(program.name)
            functions = None if program.functions is None else _returning(program.functions)
            given = {"tools": recorded.asked.tools or None, "available_functions": functions}
            llm = self.provider_llm(recorded)
            return offered(llm, entry, clause)(
                recorded.asked.messages, **{name: value for name, value in given.items() if value is not None}
            )
        ask = program.ask
        prompt = f"{program.prompt} {performance.provider.prompt_for(ask.script)}"
        return offered(self.llm(performance, **_said(ask)), entry, clause)(prompt, **_tools(ask))

    def emit(self, source: Any, note: str) -> None:
        """Publish a custom event in the caller's context; see `Subject`."""
        self.names.event_bus.emit(source, self.names.ProbeEvent(type="probe", note=note))

    def bounded(self, program: FlowProgram, performance: Performance, *, kind: str, **limits: Any) -> Any:
        """Return a session with a look-ahead limit; needs the capability backpressure."""
        flow = self.flow(program, performance)
        return flow.stream_events(**limits) if kind == "sync" else flow.astream(**limits)

    @contextmanager
    def listening(self, listener: Callable[[Any, Any], None]) -> Iterator[None]:
        """Have `listener(source, event)` called for every event of a known class, until the end of the block."""
        classes = _all_classes(self.names.BaseEvent)
        for one in classes:
            self.names.event_bus.register_handler(one, listener)
        try:
            yield
        finally:
            self.names.event_bus.flush()
            for one in classes:
                self.names.event_bus.off(one, listener)

    @contextmanager
    def sinking(self, sink: Callable[[Any, Any], None]) -> Iterator[None]:
        """Have `sink(source, event)` called for every event of this context, until the end of the block."""
        token = self.names.add_stream_sink(sink)
        try:
            yield
        finally:
            self.names.reset_stream_sinks(token)

    def overriding(
        self, llm: Any, *, stream: bool | None = None, stop: list[str] | None = None
    ) -> AbstractContextManager[None]:
        """Return a block in which calls of `llm` stream or don't, or stop at these words; see `Subject`."""
        override = self.names.call_stop_override if stream is None else self.names.call_stream_override
        context: AbstractContextManager[None] = override(llm, stop if stream is None else stream)
        return context

    def flow(self, program: FlowProgram, performance: Performance) -> Any:
        body = {method.name: self._method(method, performance) for method in program.methods}
        flow_class = type(program.name, (self.names.Flow,), body)
        return flow_class()

    def _method(self, method: Method, performance: Performance) -> Any:
        subject = self
        # The flow must be called `self`: a listener with any other parameter is given what it listened to.
        if method.is_async:

            async def arun(self: Any) -> Any:
                return await subject._aperform(self, method.steps, performance)

            run: Callable[..., Any] = arun
        else:

            def run(self: Any) -> Any:
                return subject._perform(self, method.steps, performance)

        run.__name__ = run.__qualname__ = method.name
        if not method.after:
            return self.names.start()(run)
        condition = (
            method.after[0]
            if len(method.after) == 1
            else (self.names.and_ if method.joins == "all" else self.names.or_)(*method.after)
        )
        return (self.names.router if method.is_router else self.names.listen)(condition)(run)

    def _perform(self, flow: Any, steps: tuple[Step, ...], performance: Performance) -> Any:
        value = None
        for step in steps:
            match step:
                case Block(point):
                    performance.stage.block(point)
                case Ask():
                    llm = self._asked(step, performance)
                    value = llm.call(performance.provider.prompt_for(step.script), **_tools(step))
                case Nest():
                    inner = self.flow(step.program, performance)
                    value = _read(inner.stream_events(), performance) if step.streamed else inner.kickoff()
                case Spawn():
                    self._spawn(flow, step, performance)
                case Give(given):
                    return given
                case _:
                    self._simple(flow, step, performance)
        return value

    async def _aperform(self, flow: Any, steps: tuple[Step, ...], performance: Performance) -> Any:
        value = None
        for step in steps:
            match step:
                case Block(point):
                    await performance.stage.ablock(point)
                case Ask():
                    llm = self._asked(step, performance)
                    value = await llm.acall(performance.provider.prompt_for(step.script), **_tools(step))
                case Nest():
                    inner = self.flow(step.program, performance)
                    value = await _aread(inner.astream(), performance) if step.streamed else await inner.akickoff()
                case Emit(note, kind, True):
                    await self.names.event_bus.aemit(flow, self._probe(note, kind, performance))
                case Give(given):
                    return given
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
            case ReadFlag():
                performance.stage.note("flag", flow.stream)
            case Raise(error_type):
                error = error_type("raised by the program")
                performance.stage.note("raised", error)
                raise error
            case _:
                raise TypeError(f"a step that this subject does not know: {step!r}")

    def _asked(self, ask: Ask, performance: Performance) -> Any:
        llm = self.llm(performance, **_said(ask))
        performance.stage.note("llm", llm)
        return llm

    def _probe(self, note: str, kind: str, performance: Performance) -> Any:
        return _noted(self.names.ProbeEvent(type=kind, note=note), performance)

    def _spawn(self, flow: Any, step: Spawn, performance: Performance) -> None:
        def work() -> None:
            self._perform(flow, step.steps, performance)

        context = contextvars.copy_context() if step.with_context else contextvars.Context()
        thread = threading.Thread(target=context.run, args=(work,), name="program", daemon=True)
        thread.start()
        thread.join()


def _noted(event: Any, performance: Performance) -> Any:
    """Note that user code emits this: such events need not open, close or nest."""
    performance.stage.note("emitted", event.event_id)
    return event


def _all_classes(base: Any) -> list[Any]:
    return [base, *(found for child in base.__subclasses__() for found in _all_classes(child))]


def _class_of(event_type: str, base: Any) -> Any:
    for one in _all_classes(base):
        # Classes of the user's own take their type from whoever makes them.
        if one.model_fields["type"].default == event_type:
            return one
    raise TypeError(f"this subject has no built-in event {event_type!r}")


def _said(ask: Ask) -> dict[str, Any]:
    """Return what is said of streaming when the LLM is made: nothing, where the program says nothing."""
    return {} if ask.stream is None else {"stream": ask.stream}


def _tools(ask: Ask) -> dict[str, Any]:
    if not ask.functions:
        return {}
    tools = [
        {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object"}}}
        for name in ask.functions
    ]
    return {"tools": tools, "available_functions": _returning(ask.functions)}


def _returning(values: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    def returning(value: Any) -> Callable[..., Any]:
        return lambda **arguments: value

    return {name: returning(value) for name, value in values.items()}


def _read(session: Any, performance: Performance) -> Any:
    performance.stage.note("inner", list(session))
    return session.result


async def _aread(session: Any, performance: Performance) -> Any:
    performance.stage.note("inner", [frame async for frame in session])
    return session.result
