"""Performing programs on any runtime that has this one's public names, which are the reference's."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from conformance.stage.programs import (
    Ask,
    ConversationProgram,
    CrewProgram,
    FlowProgram,
    Method,
    Program,
    RecordedProgram,
    label_of,
    route_to,
)
from conformance.subjects.crews import crew_of
from conformance.subjects.names import Names
from conformance.subjects.pauses import asking, memory
from conformance.subjects.steps import StepPerformer, all_classes, returning, settings_of, tools_of
from conformance.subjects.subject import Performance, offered

if TYPE_CHECKING:
    # Late, too: a program that only waits to exit needs no recordings.
    from conformance.stage.shipped_calls import ShippedCall


class ProgramSubject(ABC):
    """A subject whose flows and calls are made of `names`."""

    name: str
    #: By which its LLM knows what the scripted provider speaks.
    model: str
    names: Names

    @cached_property
    def providers(self) -> frozenset[str]:
        """The providers that its LLM speaks to, each in its own format, by the names of their shipped recordings."""
        from harness.providers import providers

        return frozenset(
            row.recordings
            for row in providers()
            if row.recordings and list(metadata.Distribution.discover(name=row.distributions[0]))
        )

    def provider_llm(self, recorded: ShippedCall) -> Any:
        """Return an LLM with the model and the settings of a call to one of `providers`."""
        raise TypeError(f"{self.name} does not speak to {recorded.provider}")

    def import_provider(self, provider: str) -> None:
        from conformance.stage.shipped_calls import shipped_call

        self.provider_llm(shipped_call(f"{provider}/text"))

    @abstractmethod
    def make_llm(self, model: str, **settings: Any) -> Any:
        """Return an LLM of the runtime's."""

    def llm(self, performance: Performance, **settings: Any) -> Any:
        provider = performance.provider
        return self.make_llm(self.model, api_key="conformance", base_url=provider.base_url, max_retries=0, **settings)

    def noted_llm(self, ask: Ask, performance: Performance) -> Any:
        """Return an LLM with what a program says of it, noted as `llm`."""
        llm = self.llm(performance, **settings_of(ask))
        performance.stage.note("llm", llm)
        return llm

    def session(self, program: Program, performance: Performance) -> Any:
        return self._session(program, performance, "stream_events", "entry.llm")

    def asession(self, program: Program, performance: Performance) -> Any:
        return self._session(program, performance, "astream", "entry.llm-async")

    def _session(self, program: Program, performance: Performance, entry: str, clause: str) -> Any:
        if isinstance(program, FlowProgram):
            return getattr(self.flow(program, performance), entry)()
        if isinstance(program, RecordedProgram):
            from conformance.stage.shipped_calls import shipped_call

            recorded = shipped_call(program.name)
            functions = None if program.functions is None else returning(program.functions, performance.stage)
            options = {"tools": recorded.call.tools or None, "available_functions": functions}
            llm = self.provider_llm(recorded)
            return offered(llm, entry, clause)(
                recorded.call.messages, **{name: value for name, value in options.items() if value is not None}
            )
        ask = program.ask
        prompt = f"{program.prompt} {performance.provider.prompt_for(ask.script)}"
        return offered(self.llm(performance, **settings_of(ask)), entry, clause)(
            prompt, **tools_of(ask, performance.stage)
        )

    def emit(self, source: Any, note: str) -> None:
        self.names.event_bus.emit(source, self.names.ProbeEvent(type="probe", note=note))

    def bounded(self, program: FlowProgram, performance: Performance, *, kind: str, **limits: Any) -> Any:
        """Return a session with a look-ahead limit; needs the capability backpressure."""
        flow = self.flow(program, performance)
        return flow.stream_events(**limits) if kind == "sync" else flow.astream(**limits)

    @contextmanager
    def listening(self, listener: Callable[[Any, Any], None]) -> Iterator[None]:
        """Have `listener(source, event)` called for every event of a known class, until the end of the block."""
        classes = all_classes(self.names.BaseEvent)
        for event_class in classes:
            self.names.event_bus.register_handler(event_class, listener)
        try:
            yield
        finally:
            self.names.event_bus.flush()
            for event_class in classes:
                self.names.event_bus.off(event_class, listener)

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
        override = self.names.call_stop_override if stream is None else self.names.call_stream_override
        context: AbstractContextManager[None] = override(llm, stop if stream is None else stream)
        return context

    def flow(self, program: FlowProgram, performance: Performance, **options: Any) -> Any:
        body: dict[str, Any] = {method.name: self._method(method, performance) for method in program.methods}
        if program.stream is not None:
            body["stream"] = program.stream
        flow_class = type(program.name, (self.names.Flow,), body)
        return flow_class(**{**self._keeping(program.methods), **options})

    def conversation(self, program: ConversationProgram, performance: Performance) -> Any:
        if self.names.ConversationConfig is None:
            raise TypeError(f"{self.name} does not converse")
        handlers = {
            # It listens to its label, which must not be its own name.
            handler.name: self._method(replace(handler, after=(label_of(handler.name),)), performance)
            for handler in program.handlers
        }
        llm = self.noted_llm(Ask(stream=program.stream), performance)
        chooser = None
        if program.chooses is not None:
            chooser = self.llm(performance, seed=performance.provider.seed_for(program.chooses))
        flow_class = conversational(self.names, program, handlers, llm, chooser)
        return flow_class(**self._keeping(program.handlers))

    def crew(self, program: CrewProgram, performance: Performance, *, stream: bool) -> Any:
        llm = self.noted_llm(Ask(stream=program.stream), performance)
        return crew_of(self.names, llm, program, performance, stream=stream)

    def is_pending(self, value: Any) -> bool:
        return isinstance(value, self.names.HumanFeedbackPending)

    def checkpoint_config(self, **settings: Any) -> Any:
        return self.names.CheckpointConfig(**settings)

    def memory(self) -> Any:
        return memory(self.names.FlowPersistence)

    def kept_in(self, path: str) -> Any:
        return self.names.SQLiteFlowPersistence(path)

    def declared_flow(self, text: str) -> Any:
        return self.names.Flow.from_declaration(contents=text)

    def _keeping(self, methods: tuple[Method, ...]) -> dict[str, Any]:
        """Return the options of a flow with these methods: one that may wait has a place in which it is kept."""
        waits = any(method.feedback is not None for method in methods)
        return {"persistence": memory(self.names.FlowPersistence)} if waits else {}

    def _method(self, method: Method, performance: Performance) -> Any:
        subject = self
        # The flow must be called `self`: a listener with any other parameter is given what it listened to.
        if method.is_async:

            async def arun(self: Any) -> Any:
                return await StepPerformer(subject, self, performance).aperform(method.steps)

            run: Callable[..., Any] = arun
        else:

            def run(self: Any) -> Any:
                return StepPerformer(subject, self, performance).perform(method.steps)

        run.__name__ = run.__qualname__ = method.name
        if method.feedback is not None:
            run = asking(self.names, method.feedback, lambda: self.llm(performance), run)
        if not method.after:
            return self.names.start()(run)
        joined = self.names.and_ if method.joins == "all" else self.names.or_
        condition = method.after[0] if len(method.after) == 1 else joined(*method.after)
        return (self.names.router if method.is_router else self.names.listen)(condition)(run)


def conversational(
    names: Names, program: ConversationProgram, handlers: Mapping[str, Any], llm: Any, chooser: Any = None
) -> Any:
    """Return the class of a conversation with these methods, whose built-in answer `llm` gives; `chooser` chooses."""

    def route_turn(self: Any, context: Any) -> str | None:
        message = str(self.state.current_user_message)
        return next((label_of(handler.name) for handler in program.handlers if route_to(handler.name) in message), None)

    settings: dict[str, Any] = {"llm": llm, "defer_trace_finalization": program.deferred}
    if chooser is not None and program.asker == "router":
        made = type(program.name, (names.Flow,), dict(handlers))
        settings["router"] = names.RouterConfig(llm=chooser)
    else:
        made = type(program.name, (names.Flow,), {**handlers, "route_turn": route_turn})
        if chooser is not None:
            settings["intent_llm" if program.asker == "intents" else "answer_from_history_llm"] = chooser
    with warnings.catch_warnings():
        # The reference is about to give up answering from history.
        warnings.simplefilter("ignore", DeprecationWarning)
        return names.ConversationConfig(**settings)(made)
