"""The base of every LLM: what calls look like, and the one small method that an integration implements.

An integration implements `generate`, `agenerate`, or both. Everything else is done here: which events are published and
in which order, overrides, tools, usage, structured output, and the refusal of answers that were cut.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from harness.bus import bus
from harness.bus.scope import current_run
from harness.errors import UsageError
from harness.llm import overrides
from harness.llm.call import Call
from harness.llm.hosted import HostedTool, hosted_tools
from harness.llm.messages import Message, ToolDefinition, read_messages, read_tools
from harness.llm.parts import Part, Usage
from harness.llm.pump import aended, ended, iterated_in_loop, iterated_in_thread
from harness.llm.request import LLMRequest
from harness.llm.tools_run import Functions, arun_tool, run_tool
from harness.llm.usage import UsageCounter, UsageMetrics
from harness.session.session import AsyncStreamSession, StreamSession
from harness.workers import in_thread

Messages = str | Sequence[dict[str, Any] | Message]
Tools = Sequence[dict[str, Any] | ToolDefinition | HostedTool]


class BaseLLM:
    """An LLM with its settings. Nothing about it changes during a call, so threads, tasks and flows may share one.

    To integrate a provider, subclass it and implement `generate` (see there). A subclass that implements `call` itself
    works as it is, in sessions too; then it publishes its own events.
    """

    #: Overrides are kept with the call, never set on this object.
    knows_call_scope: ClassVar[bool] = True
    #: Whether `generate` sends `request.hosted_tools`, too; where it does not, they are refused.
    asks_for_hosted_tools: ClassVar[bool] = False
    #: The provider's name, as in a model string and in errors.
    provider: str = "custom"

    def __init__(
        self,
        model: str,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        stream: bool | None = None,
        seed: int | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        n: int | None = None,
        stop: str | Sequence[str] | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        api_version: str | None = None,
        response_format: type[BaseModel] | Mapping[str, Any] | None = None,
        reasoning_effort: str | None = None,
        thinking: Any = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        additional_params: Mapping[str, Any] | None = None,
        callbacks: list[Any] | None = None,
    ) -> None:
        self.model = model
        self.temperature = temperature
        self.top_p = top_p
        self.max_tokens = max_tokens
        #: None streams where somebody reads a stream: in a session's run. True and False hold everywhere.
        self.stream = stream
        self.seed = seed
        self.frequency_penalty = frequency_penalty
        self.presence_penalty = presence_penalty
        self.n = n
        self.stop = [stop] if isinstance(stop, str) else list(stop) if stop is not None else None
        #: Seconds, for each attempt.
        self.timeout = timeout
        self.max_retries = max_retries
        self.api_key = api_key
        self.base_url = base_url
        self.api_version = api_version
        self.response_format = response_format
        self.reasoning_effort = reasoning_effort
        self.thinking = thinking
        self.logprobs = logprobs
        self.top_logprobs = top_logprobs
        #: Fields of the provider's own request body; they win over everything else. `OMIT` leaves a field out.
        self.additional_params = dict(additional_params or {})
        self.callbacks = callbacks
        self._usage = UsageCounter()

    # What an integration implements.

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        """Ask the model once, and yield the parts of its answer as they arrive, in wire order.

        Yield `Finish` when the provider's end marker has been seen, and not otherwise: an answer without it is refused
        as truncated. Raise a `ProviderError` for what the provider reports. With `request.stream` False the same parts
        come at once. Publish no events: the base does. Closing the iterator must end the request.
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
        for one call and a list in call order for several. A tool that failed is a `ToolCallFailed` there.

        Raises:
            UsageError: the messages, tools or settings can't be sent; nothing was.
            ProviderError: of the family that says what failed.
        """
        call = self._begin(messages, tools, response_model, from_task, from_agent)
        call.open(callbacks or self.callbacks, available_functions)
        try:
            with ended(self.generate(call.request)) as parts:
                for part in parts:
                    chunk = call.chunk(part)
                    if chunk is not None:
                        bus.emit(self, chunk)
            answer = call.answer()
            if available_functions and call.assembly.calls:
                answer = _result_of([run_tool(asked, available_functions) for asked in call.assembly.calls])
            call.complete()
        except BaseException as error:
            raise _as_raised(call.fail(error), error)
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
            return await in_thread(
                lambda: self.call(
                    messages, tools, callbacks, available_functions, from_task, from_agent, response_model
                )
            )
        call = self._begin(messages, tools, response_model, from_task, from_agent)
        await bus.room()
        call.open(callbacks or self.callbacks, available_functions)
        try:
            async with aended(self.agenerate(call.request)) as parts:
                async for part in parts:
                    chunk = call.chunk(part)
                    if chunk is not None:
                        await bus.aemit(self, chunk)
            answer = call.answer()
            if available_functions and call.assembly.calls:
                answer = _result_of([await arun_tool(asked, available_functions) for asked in call.assembly.calls])
            await bus.room()
            call.complete()
        except BaseException as error:
            raise _as_raised(call.fail(error), error)
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
    ) -> StreamSession[Any]:
        """Return a session in which this call streams; nothing is asked before its first frame is.

        `look_ahead` bounds the frames that nobody has read; `retain=False` keeps none for replay.
        """
        arguments = (messages, tools, callbacks, available_functions, from_task, from_agent, response_model)

        def streamed() -> Any:
            with overrides.call_stream_override(self, True):
                return self.call(*arguments)

        return StreamSession(streamed, source=self, look_ahead=look_ahead, retain=retain)

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
    ) -> AsyncStreamSession[Any]:
        """Return an async session in which this call streams; see `stream_events`."""
        arguments = (messages, tools, callbacks, available_functions, from_task, from_agent, response_model)

        async def streamed() -> Any:
            with overrides.call_stream_override(self, True):
                return await self.acall(*arguments)

        return AsyncStreamSession(streamed, source=self, look_ahead=look_ahead, retain=retain)

    def _begin(
        self,
        messages: Messages,
        tools: Tools | None,
        response_model: type[BaseModel] | None,
        from_task: Any,
        from_agent: Any,
    ) -> Call:
        request = LLMRequest(
            messages=read_messages(messages),
            tools=read_tools(tools),
            hosted_tools=hosted_tools(tools),
            stream=self._streams(),
            stop=self.stop_sequences,
            response_format=response_model or self.response_format,
        )
        if request.hosted_tools and not self.asks_for_hosted_tools:
            place, tool = next(iter(request.hosted_tools.items()))
            raise UsageError(
                f"tools[{place}]: {tool.type!r} is no function, and {self.provider} can't be asked here for tools that "
                "the provider runs"
            )
        self.check(request)
        return Call(self, request, from_task=from_task, from_agent=from_agent)

    def check(self, request: LLMRequest) -> None:
        """Refuse a request that can't be sent, before anything is published. Raises UsageError."""

    def _streams(self) -> bool | None:
        override = overrides.stream_override(self)
        if override is not None:
            return True if override else (None if self.stream is None else False)
        if self.stream is None and current_run() is not None:
            return True
        return self.stream

    # What users ask.

    @property
    def stop_sequences(self) -> list[str] | None:
        """The stop words in force for a call made here: the call's own, or this LLM's."""
        override = overrides.stop_override(self)
        return override if override is not None else self.stop

    def supports_function_calling(self) -> bool:
        """Whether tools can be given."""
        return True

    def supports_stop_words(self) -> bool:
        """Whether the provider stops at stop words."""
        return True

    def get_context_window_size(self) -> int:
        """Return the tokens that fit into one request and its answer; a careful default for unknown models."""
        return 8192

    def get_token_usage_summary(self) -> UsageMetrics:
        """Return what the completed calls of this LLM have used so far."""
        return self._usage.summary()

    def count_usage(self, usage: Usage | None) -> None:
        """Count one completed call."""
        self._usage.add(usage)


def _result_of(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _as_raised(error: BaseException, caught: BaseException) -> BaseException:
    """Return `error` so that raising it shows no SDK's wrapping of what was carried through it."""
    if error is not caught:
        error.__suppress_context__ = True
    return error
