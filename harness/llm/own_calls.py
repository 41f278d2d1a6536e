"""What a subclass that implements `call` itself uses to publish its events, run a tool and count its tokens.

The names are those that such programs know; what they publish is the same as the base's own calls do.
"""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from harness import events
from harness.bus import bus
from harness.events.coercion import owner_fields
from harness.events.sources import sources
from harness.llm.input.words import value_text
from harness.llm.output.assembly import AssembledCall
from harness.llm.output.usage import UsageMetrics
from harness.llm.run_usage import count_in_runs
from harness.llm.settings import LLMSettings
from harness.llm.tool_use import Functions, ToolCallFailed, run_tool

#: The counts that each completed call tells.
_ALWAYS: Final = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})


class _OwnCall(Struct):
    """A call that an LLM has begun to publish."""

    id: str
    #: Another LLM may come to have the identity of one that is gone.
    llm: weakref.ref[Any]
    #: The call of the same LLM that it was begun in, as by a tool, until it has ended.
    around: _OwnCall | None = None
    #: What has been counted of it, which its completed event is to tell.
    usage: UsageMetrics | None = None
    #: Whether its end has been published, and whether that has said what was used.
    has_ended: bool = False
    has_usage: bool = False


#: The innermost call that each LLM has begun here, by the LLM's identity.
_calls: contextvars.ContextVar[Mapping[int, _OwnCall]] = contextvars.ContextVar("harness_own_calls", default={})  # noqa: B039 - never changed


class OwnCalls(LLMSettings):
    """Helps a subclass of `BaseLLM` that has its own `call`. Each event belongs to the call begun last here that has not ended."""

    if TYPE_CHECKING:

        @property
        def stop_sequences(self) -> list[str]: ...

    def _effective_stream(self) -> bool:
        """Return whether a call made here streams."""
        return bool(self._llm_streams())

    def _llm_streams(self) -> bool | None:
        return self.stream

    def _emit_call_started_event(
        self,
        messages: Any,
        tools: list[dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: Any = None,
        from_agent: Any = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: float | None = None,
        stream: bool | None = None,
        seed: int | None = None,
        stop_sequences: str | Sequence[str] | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        n: int | None = None,
    ) -> None:
        """Publish that a call begins, with its settings: those that are given here, and the LLM's own for the others."""
        around = self._llm_own_call()
        outer = None if around is None or around.has_ended else around
        self._llm_set_own_call(_OwnCall(sources.new_id(), weakref.ref(self), outer))
        started = events.LLMCallStartedEvent(
            **self._llm_common(from_task, from_agent),
            messages=messages,
            tools=tools,
            callbacks=callbacks,
            available_functions=available_functions,
            temperature=_first(temperature, self.temperature),
            top_p=_first(top_p, self.top_p),
            max_tokens=_first(max_tokens, self.max_tokens),
            stream=_first(stream, self._effective_stream()),
            seed=_first(seed, self.seed),
            stop_sequences=_first(stop_sequences, self.stop_sequences or None),
            frequency_penalty=_first(frequency_penalty, self.frequency_penalty),
            presence_penalty=_first(presence_penalty, self.presence_penalty),
            n=_first(n, self.n),
        )
        bus.emit(self, started)

    def _emit_stream_chunk_event(
        self,
        chunk: str,
        from_task: Any = None,
        from_agent: Any = None,
        tool_call: Any = None,
        call_type: Any = None,
        response_id: str | None = None,
    ) -> None:
        """Publish a piece of the answer, or of a tool call."""
        kind: Any = call_type or ("tool_call" if tool_call is not None else "llm_call")
        bus.emit(
            self,
            events.LLMStreamChunkEvent(
                **self._llm_common(from_task, from_agent),
                chunk=chunk,
                tool_call=tool_call,
                call_type=kind,
                response_id=response_id,
            ),
        )

    def _emit_thinking_chunk_event(
        self, chunk: str, from_task: Any = None, from_agent: Any = None, response_id: str | None = None
    ) -> None:
        """Publish a piece of the model's reasoning."""
        bus.emit(
            self,
            events.LLMThinkingChunkEvent(
                **self._llm_common(from_task, from_agent), chunk=chunk, response_id=response_id
            ),
        )

    def _emit_call_completed_event(
        self,
        response: Any,
        call_type: Any = "llm_call",
        from_task: Any = None,
        from_agent: Any = None,
        messages: Any = None,
        usage: Mapping[str, Any] | None = None,
        finish_reason: Any = None,
        response_id: str | None = None,
    ) -> None:
        """Publish that the call has completed; its usage has what was counted of it, too, under the common names."""
        call = self._llm_own_call()
        counted = None if call is None or call.usage is None else _counts(call.usage)
        shown = usage if counted is None else {**counted, **(usage or {})}
        completed = events.LLMCallCompletedEvent(
            **self._llm_common(from_task, from_agent),
            response=response,
            call_type=call_type,
            messages=messages,
            usage=None if shown is None else dict(shown),
            finish_reason=finish_reason,
            response_id=response_id,
        )
        self._llm_end_own_call(has_usage=bool(shown))
        bus.emit(self, completed)

    def _emit_call_failed_event(self, error: Any, from_task: Any = None, from_agent: Any = None) -> None:
        """Publish that the call has failed; `error` is its text or the exception."""
        kind = type(error).__name__ if isinstance(error, BaseException) else None
        failed = events.LLMCallFailedEvent(**self._llm_common(from_task, from_agent), error=error, error_type=kind)
        call = self._llm_own_call()
        counted = None if call is None or call.has_ended else call.usage
        if counted is not None:
            count_in_runs(counted.model_dump())
        self._llm_end_own_call(has_usage=counted is not None)
        bus.emit(self, failed)

    def _handle_tool_execution(
        self,
        function_name: str,
        function_args: Mapping[str, Any],
        available_functions: Functions,
        from_task: Any = None,
        from_agent: Any = None,
    ) -> str | None:
        """Run a function that the model asked for, with its events; return its value as text.

        None where there is no such function, or it failed. The call goes on until it is told to have completed or failed.
        """
        if function_name not in available_functions:
            return None
        call = AssembledCall(0, sources.new_id(), function_name, given=dict(function_args))
        value = run_tool(call, available_functions)
        return None if isinstance(value, ToolCallFailed) else value_text(value)

    def _track_token_usage_internal(self, usage_data: Mapping[str, Any]) -> None:
        """Count a call's tokens, under whichever names its provider has them, here and in the runs around, once."""
        metrics = UsageMetrics.from_provider_dict(usage_data)
        if metrics is None:
            return
        self._llm_usage.add(metrics.model_dump())
        call = self._llm_own_call()
        if call is not None and not call.has_ended:
            if call.usage is None:
                call.usage = UsageMetrics()
            call.usage.add_usage_metrics(metrics)
        elif call is None:
            count_in_runs(metrics.model_dump())
        elif not call.has_usage:
            # That there was a call, its end has told.
            count_in_runs(metrics.model_dump(), requests=0)

    def _llm_own_call(self) -> _OwnCall | None:
        """Return the innermost call that has not ended here, else the one that ended last; None where there is none."""
        call = _calls.get().get(id(self))
        return call if call is not None and call.llm() is self else None

    def _llm_set_own_call(self, call: _OwnCall) -> None:
        live = {key: other for key, other in _calls.get().items() if other.llm() is not None}
        _calls.set({**live, id(self): call})

    def _llm_end_own_call(self, *, has_usage: bool) -> None:
        call = self._llm_own_call()
        if call is None or call.has_ended:
            return
        call.has_ended, call.has_usage = True, has_usage
        if call.around is not None:
            self._llm_set_own_call(call.around)

    def _llm_common(self, from_task: Any, from_agent: Any) -> dict[str, Any]:
        call = self._llm_own_call()
        return {
            "call_id": sources.new_id() if call is None else call.id,
            "model": self.model,
            **owner_fields(from_task, "task", "name"),
            **owner_fields(from_agent, "agent", "role"),
        }


def _counts(usage: UsageMetrics) -> dict[str, int]:
    """Return what an event tells of usage: the three counts, and what else there is (clause `llm.usage`)."""
    counts = usage.model_dump(exclude={"successful_requests"})
    return {name: count for name, count in counts.items() if count or name in _ALWAYS}


def _first(given: Any, own: Any) -> Any:
    return own if given is None else given
