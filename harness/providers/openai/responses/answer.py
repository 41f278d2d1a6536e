"""One answer of OpenAI's Responses API, from its JSON to parts.

Source: https://platform.openai.com/docs/api-reference/responses-streaming (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import ValidationError

from harness.llm.input.items import ReasoningItem
from harness.llm.output.parts import Finish, FinishReason, Part
from harness.providers.openai.responses.output import ItemPlace, ResponseOutput, TextKind, requested_call
from harness.providers.shared.answer import SSEAnswer
from harness.providers.shared.failure import Failure, failure_in
from harness.providers.shared.shapes import as_list, as_number, as_object, as_text, kind_of
from harness.providers.shared.usage import usage
from harness.validation import first_fault

_INCOMPLETE: Final[dict[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}
#: Events that carry a whole text, what it is, and the field that holds it.
_TEXTS: Final[dict[str, tuple[TextKind, str]]] = {
    "response.output_text.done": ("text", "text"),
    "response.refusal.done": ("text", "refusal"),
    "response.reasoning_summary_text.done": ("summary", "text"),
    "response.reasoning_text.done": ("reasoning", "text"),
    # OpenRouter's name (https://openrouter.ai/docs/api/reference/responses/reasoning, 2026-11).
    "response.reasoning.done": ("reasoning", "text"),
}
#: Events that carry a piece of such a text in `delta`.
_DELTAS: Final = {name.replace(".done", ".delta"): kind for name, (kind, _) in _TEXTS.items()}
#: Events that carry the response before it has said anything; one that waits for its turn is not created first.
_BEGINNINGS: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
#: Events after which nothing comes, each named by the status of the response that it carries.
_ENDS: Final = {f"response.{status}": status for status in ("completed", "incomplete", "failed", "cancelled")}
#: How a response has ended, by what tells more: hosts call an end completed of which the response says otherwise.
_STATUSES: Final = ("failed", "cancelled", "incomplete", "completed")


class ResponsesAnswer(SSEAnswer):
    content_fields = frozenset({"type", "output"})
    failing: ClassVar[str] = "reported that the response failed"

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        #: Whether the event that ends a stream, or the whole response, has come.
        self.ended = False
        self._output = ResponseOutput(self.malformed)
        #: Its reasoning that only the provider can read.
        self.reasoning: list[ReasoningItem] = []

    @property
    def call_ids(self) -> list[str]:
        return self._output.call_ids

    @property
    def is_over(self) -> bool:
        return self.ended or self.done

    @property
    def has_ended(self) -> bool:
        return self.ended

    def event(self, event: Any) -> Iterable[Part]:
        # Nearly every event is a piece of text.
        kind = _DELTAS.get(kind_of(event))
        if kind is None:
            return self._parts(event)
        return (self._output.delta(ItemPlace.of(event, kind), event["delta"]),)

    def _parts(self, event: Mapping[str, Any]) -> Iterator[Part]:
        kind = event["type"]
        if kind in _BEGINNINGS:
            yield from self.started(as_object(event.get("response")).get("id"))
        elif kind == "response.output_item.added":
            if (call := requested_call(event["item"])) is not None:
                yield from self._output.call(as_number(event.get("output_index")), call)
        elif kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
            yield from self._output.arguments(event, event["delta"], whole=False)
        elif kind == "response.function_call_arguments.done":
            yield from self._output.arguments(event, event.get("arguments"), whole=True)
        elif kind == "response.custom_tool_call_input.done":
            yield from self._output.arguments(event, event.get("input"), whole=True)
        elif kind in _TEXTS:
            text_kind, name = _TEXTS[kind]
            yield from self._output.whole_text(ItemPlace.of(event, text_kind), event.get(name))
        elif kind == "response.output_item.done":
            yield from self._output.item(as_number(event.get("output_index")), event["item"])
        elif kind in _ENDS:
            response = as_object(event["response"])
            status = "failed" if response.get("error") else response.get("status")
            yield from self._whole(response, next(known for known in _STATUSES if known in (status, _ENDS[kind])))
        elif kind == "error":
            raise self.reported(failure_in(event))

    def answer(self, answer: Any) -> Iterator[Part]:
        if not isinstance(as_object(answer).get("output"), list):
            raise self.malformed(f"an answer without output: {answer!r:.200}")
        yield from self._whole(answer, answer.get("status") or "completed")

    def _whole(self, response: Mapping[str, Any], status: str) -> Iterator[Part]:
        """Yield what has not come yet of a response, and its end."""
        yield from self.started(response.get("id"))
        if status in ("completed", "incomplete"):
            yield from self._output.all(as_list(response.get("output")))
            # Where the provider keeps answers, it has their reasoning; what it does not keep, it sends encrypted if asked.
            for item in response.get("output") or ():
                if item["type"] == "reasoning" and item.get("encrypted_content"):
                    self.reasoning.append(self._reasoning_in(item))
        yield from self._end(response, status)

    def _reasoning_in(self, item: Mapping[str, Any]) -> ReasoningItem:
        # Hosts write nulls of their own beside it.
        fields = {name: item[name] for name in ReasoningItem.model_fields if item.get(name) is not None}
        try:
            return ReasoningItem.model_validate({"summary": [], **fields})
        except ValidationError as error:
            raise self.malformed(f"reasoning that can't be given back: {first_fault(error)}") from error

    def _end(self, response: Mapping[str, Any], status: str) -> Iterator[Part]:
        yield from _usage(response.get("usage"))
        if status == "completed":
            self.ended = True
            if self._output.is_empty and not response.get("output") and not response.get("usage"):
                raise self.empty("a response of nothing but its end")
            yield Finish("tool_calls" if self.call_ids else "stop", status)
        elif status == "incomplete":
            self.ended = True
            reason = as_text(as_object(response.get("incomplete_details")).get("reason")) or None
            yield Finish(_INCOMPLETE.get(reason or "", "other"), reason)
        else:
            error = response.get("error")
            raise self.reported(failure_in(error) if error else Failure(f"the response is {status}"))


def _usage(sent: Any) -> Iterator[Part]:
    raw = as_object(sent)
    details, output = as_object(raw.get("input_tokens_details")), as_object(raw.get("output_tokens_details"))
    cached, created = details.get("cached_tokens"), details.get("cache_write_tokens")
    read, written, reasoning = [raw.get("input_tokens")], [raw.get("output_tokens")], output.get("reasoning_tokens")
    yield from usage(raw, read, written, cached=cached, reasoning=reasoning, created=created)
