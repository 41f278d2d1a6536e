"""The base of every LLM: what calls look like, and the one small method that an integration implements.

An integration implements `generate`, `agenerate`, or both. Everything else is done here: which events are published and
in which order, overrides, tools, usage, structured output, and the refusal of answers that were cut.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from harness import session as sessions
from harness.bus import bus
from harness.bus.scope import current_run
from harness.errors import MalformedResponseError, UsageError
from harness.llm import input as inputs, overrides
from harness.llm.call import ModelCall, carried_faults
from harness.llm.output.parts import Part, Usage
from harness.llm.output.usage import UsageMetrics
from harness.llm.own_calls import OwnCalls
from harness.llm.parameters.kinds import check_kinds
from harness.llm.pump import aended, ended, iterated_in_loop, iterated_in_thread
from harness.llm.request import LLMRequest
from harness.llm.run_usage import count_in_runs
from harness.llm.settings import LLMSettings
from harness.llm.tool_use import Functions, arun_tool, run_tool
from harness.workers import asettled, in_thread, settled

if TYPE_CHECKING:
    from harness.tools import BaseTool

Messages = str | Sequence["dict[str, Any] | inputs.Message | BaseModel"]
Tools = Sequence["dict[str, Any] | inputs.ToolDefinition | inputs.HostedTool | BaseTool"]


class BaseLLM(OwnCalls, LLMSettings):
    """An LLM with its settings. Nothing about it changes during a call, so threads, tasks and flows may share one.

    To integrate a provider, subclass it and implement `generate` (see there). A subclass that implements `call` itself
    works as it is, in sessions too; then it publishes its own events. What a subclass annotates is a setting too.
    """

    #: Overrides are kept with the call, never set on this object.
    knows_call_scope: ClassVar[bool] = True
    #: Whether `generate` sends `request.hosted_tools`, too; where it does not, they are refused.
    asks_for_hosted_tools: ClassVar[bool] = False
    #: What `carries` tells, where that is the same for every model.
    carried: ClassVar[inputs.Carried | None] = None
    # What an integration implements.

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        """Ask the model once, and yield the parts of its answer as they arrive, in wire order.

        Yield `Finish` when the provider's end marker has been seen, and not otherwise: an answer without it is refused
        as truncated. (Of a host that the caller has called `without_end_marker`, the reason for the end is its marker.)
        Raise a `ProviderError` for what the provider reports. With `request.stream` False the same parts come at once.
        Publish no events: the base does. Closing the iterator must end the request.
        """
        if type(self).agenerate is BaseLLM.agenerate:
            raise UsageError(f"{type(self).__name__} implements neither generate() nor agenerate(), nor its own call()")
        yield from iterated_in_loop(lambda: self.agenerate(request))

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        """Do as `generate`, without blocking the loop. By default `generate` runs in a thread of its own."""
        if type(self).generate is BaseLLM.generate:
            raise UsageError(f"{type(self).__name__} implements neither generate() nor agenerate(), nor its own call()")
        async with aended(iterated_in_thread(lambda: self.generate(request))) as parts:
            async for part in parts:
                yield part

    # What users call.

    def call(
        self,
        messages: Messages,
        tools: Tools | None = None,
        callbacks: list[Any] | None = None,
        available_functions: Functions | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: type[BaseModel] | None = None,
    ) -> Any:
        """Ask the model and return its whole answer.

        Returns the text; with a response model the validated model; where the model asked for tools the calls, as
        `[{id, type, function: {name, arguments}}]`; and with `available_functions` what the tools returned, one value
        for one call and a list in call order for several. A tool that failed is a `ToolCallFailed` there, which is "".

        Raises:
            UsageError: the messages, tools or settings can't be sent; nothing was.
            ProviderError: of the family that says what failed.
        """
        call = self._llm_begin(messages, tools, response_model, from_task, from_agent)
        with call.step(callbacks or self.callbacks, available_functions) as step, carried_faults:
            with ended(self.generate(call.request)) as parts:
                for part in parts:
                    for piece in call.until_stop(part):
                        chunk = call.chunk(piece)
                        if chunk is not None:
                            bus.emit(self, chunk)
            answer = _answer_of(self, call)
            if available_functions and call.assembly.calls:
                custom = call.request.custom_tools
                answer = _result_of(
                    [run_tool(requested, available_functions, custom) for requested in call.assembly.calls]
                )
            self.count_usage(call.assembly.usage)
            call.complete(step)
        return answer

    async def acall(
        self,
        messages: Messages,
        tools: Tools | None = None,
        callbacks: list[Any] | None = None,
        available_functions: Functions | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: type[BaseModel] | None = None,
    ) -> Any:
        """Do as `call`, without blocking the loop."""
        if type(self).call is not BaseLLM.call:
            options = _options(tools, callbacks, available_functions, from_task, from_agent, response_model)
            return await asettled(await in_thread(lambda: self.call(messages, **options)))
        call = self._llm_begin(messages, tools, response_model, from_task, from_agent)
        async with call.step(callbacks or self.callbacks, available_functions) as step:
            with carried_faults:
                async with aended(self.agenerate(call.request)) as parts:
                    async for part in parts:
                        for piece in call.until_stop(part):
                            chunk = call.chunk(piece)
                            if chunk is not None:
                                await bus.aemit(self, chunk)
                answer = _answer_of(self, call)
                if available_functions and call.assembly.calls:
                    custom = call.request.custom_tools
                    answer = _result_of(
                        [await arun_tool(requested, available_functions, custom) for requested in call.assembly.calls]
                    )
                self.count_usage(call.assembly.usage)
                call.complete(step)
        return answer

    def stream_events(
        self,
        messages: Messages,
        tools: Tools | None = None,
        callbacks: list[Any] | None = None,
        available_functions: Functions | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: type[BaseModel] | None = None,
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> sessions.StreamSession[Any]:
        """Return a session in which this call streams; nothing is asked before its first frame is.

        `look_ahead` bounds the frames that nobody has read; `retain=False` keeps none for replay.
        """
        options = _options(tools, callbacks, available_functions, from_task, from_agent, response_model)

        def streamed() -> Any:
            with overrides.call_stream_override(self, True):
                return settled(self.call(messages, **options))

        return sessions.StreamSession(streamed, source=self, look_ahead=look_ahead, retain=retain)

    def astream(
        self,
        messages: Messages,
        tools: Tools | None = None,
        callbacks: list[Any] | None = None,
        available_functions: Functions | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        response_model: type[BaseModel] | None = None,
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> sessions.AsyncStreamSession[Any]:
        """Return an async session in which this call streams; see `stream_events`."""
        options = _options(tools, callbacks, available_functions, from_task, from_agent, response_model)

        async def streamed() -> Any:
            with overrides.call_stream_override(self, True):
                return await self.acall(messages, **options)

        return sessions.AsyncStreamSession(streamed, source=self, look_ahead=look_ahead, retain=retain)

    def _llm_begin(
        self,
        messages: Messages,
        tools: Tools | None,
        response_model: type[BaseModel] | None,
        from_task: Any,
        from_agent: Any,
    ) -> ModelCall:
        check_kinds(type(self).__name__, {"response_model": response_model})
        stop = self.stop_sequences
        request = LLMRequest(
            messages=inputs.read_messages(inputs.without_notes(messages)),
            tools=inputs.read_tools(tools),
            hosted_tools=inputs.hosted_tools(tools),
            stream=self._llm_streams(),
            stop=(list(stop) or None) if self.supports_stop_words() else None,
            response_format=response_model or self.response_format,
        )
        if request.hosted_tools and not self.asks_for_hosted_tools:
            place, tool = next(iter(request.hosted_tools.items()))
            raise UsageError(
                f"tools[{place}]: {tool.type!r} is no function, and {self.provider} can't be asked here for tools that "
                "the provider runs"
            )
        self.check(request)
        carried = self.carries()
        if carried is not None:
            settings = [name for name in carried.without if getattr(self, name, None) not in (None, False, 0)]
            inputs.tell_unsent(request.messages, request.tools, settings, carried, self.provider)
        return ModelCall(self, request, stop=stop, from_task=from_task, from_agent=from_agent)

    def check(self, request: LLMRequest) -> None:
        """Refuse a request that can't be sent, before anything is published. Raises UsageError."""

    def carries(self) -> inputs.Carried | None:
        """Return what of messages and tools the provider has a place for; None where all that is given is sent.

        A call warns of what it goes without (`UnsentFieldWarning`).
        """
        return self.carried

    def _llm_streams(self) -> bool | None:
        override = overrides.stream_override(self)
        if override is not None:
            return True if override else (None if self.stream is None else False)
        if self.stream is None and current_run() is not None:
            return True
        return self.stream

    # What users ask.

    @property
    def stop_sequences(self) -> list[str]:
        """The stop words in force for a call made here: the call's own, or this LLM's. To set it sets `stop`."""
        override = overrides.stop_override(self)
        return override if override is not None else self.stop

    @stop_sequences.setter
    def stop_sequences(self, value: str | Sequence[str] | None) -> None:
        self.stop = value

    def supports_function_calling(self) -> bool:
        """Whether tools can be given."""
        return True

    def supports_stop_words(self) -> bool:
        """Whether the provider stops at stop words. Where it does not, none are sent; an answer ends at them all the same."""
        return True

    def get_context_window_size(self) -> int:
        """Return the tokens that a request may fill: 85 % of the model's window, so that the answer has room.

        Of a model that no table here has, it is a careful default.
        """
        from harness.llm.parameters.context_windows import usable_window

        return usable_window(self.model)

    def get_token_usage_summary(self) -> UsageMetrics:
        """Return what the answered calls of this LLM have used so far."""
        return self._llm_usage.metrics()

    def count_usage(self, usage: Usage | None, *, requests: int = 1) -> None:
        """Count so many completed calls."""
        self._llm_usage.add(None if usage is None else usage.payload(), requests=requests)


def _answer_of(llm: BaseLLM, call: ModelCall) -> Any:
    """Return the answer of a call; one that does not fit has used its tokens, of which no event tells."""
    try:
        return call.answer()
    except MalformedResponseError:
        usage = call.assembly.usage
        if usage is not None:
            llm.count_usage(usage, requests=0)
            count_in_runs(usage.payload(), requests=0)
        raise


def _result_of(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _options(
    tools: Any, callbacks: Any, available_functions: Any, from_task: Any, from_agent: Any, response_model: Any
) -> dict[str, Any]:
    """Return the options of a call that were given, by name: a subclass's own `call` need not take the others."""
    options = {
        "tools": tools,
        "callbacks": callbacks,
        "available_functions": available_functions,
        "from_task": from_task,
        "from_agent": from_agent,
        "response_model": response_model,
    }
    return {name: value for name, value in options.items() if value is not None}
