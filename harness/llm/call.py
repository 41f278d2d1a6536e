"""One call to a model, from the started to the completed or failed event. Sync and async calls drive the same object."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from types import TracebackType
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from harness import events
from harness.bus.step import Step, StepEnds
from harness.errors import MalformedResponseError, TransportFault
from harness.events.coercion import owner_fields
from harness.events.sources import sources
from harness.llm.output.assembly import Assembly, RequestedCalls
from harness.llm.output.characters import WholeCharacters
from harness.llm.output.chunks import ChunkEvents
from harness.llm.output.parts import Part, TextDelta, ThinkingDelta
from harness.llm.output.thoughts import without_thoughts
from harness.llm.parameters.kinds import check_kinds
from harness.llm.request import LLMRequest
from harness.llm.settings import LLMSettings
from harness.llm.stop_words import StopWords
from harness.validation import first_fault

#: JSON as models write it that are not held to a form, whatever their host was asked for.
_FENCED: Final = re.compile(r"\s*```(?:json)?\s(.*)```\s*", re.DOTALL | re.IGNORECASE)


# Late, as all events: their models are made when the first call is.
@functools.cache
def _ends() -> StepEnds:
    return StepEnds(completed=events.LLMCallCompletedEvent, failed=events.LLMCallFailedEvent)


class ModelCall:
    """The frames and the answer of one call (clauses `llm.sequence` and `order.one-completion`)."""

    def __init__(
        self,
        llm: LLMSettings,
        request: LLMRequest,
        *,
        stop: Sequence[str] = (),
        from_task: Any = None,
        from_agent: Any = None,
    ) -> None:
        """Begin with a request; `stop` are the words at which its text ends here, sent or not."""
        self._llm = llm
        self.request = request
        self._stop = list(stop)
        # What is asked to be JSON is not cut.
        self._stop_words = StopWords(stop) if stop and request.response_format is None else None
        self._characters = WholeCharacters()
        self.assembly = Assembly(llm.provider)
        self._common: dict[str, Any] = {
            "call_id": sources.new_id(),
            "model": llm.model,
            **owner_fields(from_task, "task", "name"),
            **owner_fields(from_agent, "agent", "role"),
        }
        self._text_events = ChunkEvents(events.LLMStreamChunkEvent, self._common)
        self._thinking_events = ChunkEvents(events.LLMThinkingChunkEvent, self._common)

    def step(self, callbacks: Any, functions: Mapping[str, Any] | None) -> Step:
        """Return the step that this call is, not yet opened."""
        llm, request = self._llm, self.request
        check_kinds(type(llm).__name__, {"available_functions": functions})
        ends: dict[str, Any] = {"without_end_marker": True} if llm.without_end_marker else {}
        started = events.LLMCallStartedEvent(
            **self._common,
            messages=[message.given() for message in request.messages],
            tools=[tool.given() for tool in request.all_tools()] or None,
            callbacks=callbacks,
            available_functions=dict(functions) if functions else None,
            temperature=llm.temperature,
            top_p=llm.top_p,
            max_tokens=llm.max_tokens,
            stream=bool(request.stream),
            seed=llm.seed,
            stop_sequences=self._stop or None,
            frequency_penalty=llm.frequency_penalty,
            presence_penalty=llm.presence_penalty,
            n=llm.n,
            **ends,
        )
        return Step(llm, started, _ends(), label=llm.model, own_run=True)

    def until_stop(self, part: Part) -> Iterable[Part]:
        """Return what is left of one part, in whole characters: an answer ends at the first stop word."""
        parts = self._characters.take(part)
        return parts if self._stop_words is None else chain.from_iterable(map(self._stop_words.take, parts))

    def chunk(self, part: Part) -> events.LLMStreamChunkEvent | events.LLMThinkingChunkEvent | None:
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
        return events.LLMStreamChunkEvent(
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
            return RequestedCalls((call.payload() for call in assembly.calls), assembly.text or None)
        model = self.request.response_format
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return assembly.text
        # Integrations end the use of a tool that is empty with an object that is, of which defaults would make an answer.
        if assembly.is_cut and assembly.text == "{}":
            raise self._unfit(model, "it was cut off before it began")
        text = without_thoughts(assembly.text)
        fenced = _FENCED.fullmatch(text)
        try:
            return model.model_validate_json(fenced[1] if fenced else text)
        except ValidationError as error:
            raise self._unfit(model, first_fault(error)) from error

    def _unfit(self, model: type[BaseModel], fault: str) -> MalformedResponseError:
        return MalformedResponseError(
            f"the answer of {self._llm.provider} is not a valid {model.__name__} (finish reason "
            f"{self.assembly.finish_reason}): {fault}",
            provider=self._llm.provider,
            request_id=self.assembly.request_id,
        )

    def complete(self, step: Step) -> None:
        """Have `step` say what the wire told of usage and of why the answer ended."""
        assembly = self.assembly
        usage = assembly.usage
        step.complete(
            response=[call.payload() for call in assembly.calls] or assembly.text,
            text=(assembly.text or None) if assembly.calls else None,
            call_type="tool_call" if assembly.calls else "llm_call",
            usage=usage.payload() if usage is not None else None,
            raw_usage=dict(usage.raw) if usage is not None and usage.raw is not None else None,
            finish_reason=assembly.finish_reason,
            raw_finish_reason=assembly.raw_finish_reason,
            response_id=assembly.response_id,
        )


class _CarriedFaults(AbstractContextManager[None]):
    """Raises what a `TransportFault` has carried through an SDK, in place of the carrier and of the SDK's wrapping."""

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if isinstance(fault, TransportFault):
            fault.error.__suppress_context__ = True
            raise fault.error


carried_faults: Final = _CarriedFaults()
