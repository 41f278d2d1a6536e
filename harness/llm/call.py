"""One call to a model, from the started to the completed or failed event. Sync and async calls drive the same object."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from harness.bus import bus
from harness.bus.scope import Run, Scope, current_run
from harness.errors import MalformedResponseError, RunCancelled, TransportFault
from harness.events.base import sources
from harness.events.llm import (
    LLMCallCompletedEvent,
    LLMCallFailedEvent,
    LLMCallStartedEvent,
    LLMStreamChunkEvent,
    LLMThinkingChunkEvent,
)
from harness.frames.codec import error_text
from harness.llm.assembly import Assembly
from harness.llm.chunks import ChunkEvents
from harness.llm.parts import Part, TextDelta, ThinkingDelta
from harness.llm.request import LLMRequest

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM


class Call:
    """The frames and the answer of one call (clauses `llm.sequence` and `order.one-completion`)."""

    def __init__(self, llm: BaseLLM, request: LLMRequest, *, from_task: Any = None, from_agent: Any = None) -> None:
        self._llm = llm
        self.request = request
        self.assembly = Assembly(llm.provider)
        self._common: dict[str, Any] = {
            "call_id": sources.new_id(),
            "model": llm.model,
            **_origin(from_task, "task", "name"),
            **_origin(from_agent, "agent", "role"),
        }
        self._text_events = ChunkEvents(LLMStreamChunkEvent, self._common)
        self._thinking_events = ChunkEvents(LLMThinkingChunkEvent, self._common)
        self._run = Run(current_run())
        self._scope: Scope | None = None
        self._ended = False

    def open(self, callbacks: Any, functions: Mapping[str, Any] | None) -> None:
        """Publish the start."""
        llm, request = self._llm, self.request
        started = LLMCallStartedEvent(
            **self._common,
            messages=self._messages(),
            tools=[tool.given() for tool in request.all_tools()] or None,
            callbacks=callbacks,
            available_functions=dict(functions) if functions else None,
            temperature=llm.temperature,
            top_p=llm.top_p,
            max_tokens=llm.max_tokens,
            stream=bool(request.stream),
            seed=llm.seed,
            stop_sequences=request.stop,
            frequency_penalty=llm.frequency_penalty,
            presence_penalty=llm.presence_penalty,
            n=llm.n,
        )
        self._scope = bus.open_scope(llm, started, run=self._run, label=llm.model, abandon=self._abandoned)

    def _messages(self) -> list[dict[str, Any]]:
        return [message.given() for message in self.request.messages]

    def chunk(self, part: Part) -> LLMStreamChunkEvent | LLMThinkingChunkEvent | None:
        """Take one part; return the chunk to publish for it, if it makes one and the call streams."""
        call = self.assembly.take(part)
        if not self.request.stream:
            return None
        response_id = self.assembly.response_id
        if isinstance(part, TextDelta):
            return self._text_events.event(part.text, response_id) if part.text else None
        if isinstance(part, ThinkingDelta):
            return self._thinking_events.event(part.text, response_id)
        if call is None:
            return None
        return LLMStreamChunkEvent(
            chunk=call.deltas[-1],
            tool_call=call.fragment(),
            call_type="tool_call",
            response_id=response_id,
            **self._common,
        )

    def answer(self) -> Any:
        """Return the whole answer: the text, the validated model, or the tool calls.

        Raises:
            StreamTruncatedError: the end marker never came.
            MalformedResponseError: the text is not what the response model asks for.
        """
        assembly = self.assembly
        assembly.check_end()
        if assembly.calls:
            return [call.payload() for call in assembly.calls]
        model = self.request.response_format
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return assembly.text
        try:
            return model.model_validate_json(assembly.text)
        except ValidationError as error:
            raise MalformedResponseError(
                f"the answer of {self._llm.provider} is not a valid {model.__name__} (finish reason "
                f"{assembly.finish_reason}): {error.errors(include_url=False)[0]['msg']}",
                provider=self._llm.provider,
                request_id=assembly.request_id,
            ) from error

    def complete(self) -> None:
        """Publish the completion, with what the wire said of usage and of why the answer ended."""
        assembly = self.assembly
        self._llm.count_usage(assembly.usage)
        completed = LLMCallCompletedEvent(
            **self._common,
            messages=self._messages(),
            response=[call.payload() for call in assembly.calls] or assembly.text,
            text=(assembly.text or None) if assembly.calls else None,
            call_type="tool_call" if assembly.calls else "llm_call",
            usage=assembly.usage.payload() if assembly.usage is not None else None,
            raw_usage=dict(assembly.usage.raw)
            if assembly.usage is not None and assembly.usage.raw is not None
            else None,
            finish_reason=assembly.finish_reason,
            raw_finish_reason=assembly.raw_finish_reason,
            response_id=assembly.response_id,
        )
        self._close(completed)

    def fail(self, error: BaseException) -> BaseException:
        """Publish the failure; return what is to be raised."""
        if isinstance(error, TransportFault):
            error = error.error
        if self._run.cancelled or isinstance(error, RunCancelled):
            # What an SDK says when its socket is shut down under it is not what ended this call.
            self._run.end()
            return error if isinstance(error, RunCancelled | asyncio.CancelledError) else RunCancelled()
        self._close(LLMCallFailedEvent(**self._common, error=error_text(error), error_type=type(error).__name__))
        return error

    def _abandoned(self, scope: Scope, why: str) -> LLMCallFailedEvent:
        return LLMCallFailedEvent(**self._common, error=why, error_type=RunCancelled.__name__)

    def _close(self, event: LLMCallCompletedEvent | LLMCallFailedEvent) -> None:
        self._run.end()
        if self._scope is not None:
            bus.close_scope(self._scope, self._llm, event)


def _origin(owner: Any, kind: str, name: str) -> dict[str, str | None]:
    """Return the id and the name of a task or an agent, as events carry them."""
    if owner is None:
        return {}
    called = getattr(owner, name, None) or getattr(owner, "description", None)
    return {
        f"{kind}_id": str(getattr(owner, "id", "")) or None,
        f"{kind}_{name}": None if called is None else str(called),
    }
