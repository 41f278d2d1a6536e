"""One answer of OpenAI's Responses API, from its JSON to parts.

Source: https://platform.openai.com/docs/api-reference/responses-streaming (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from harness.llm.items import ReasoningItem
from harness.llm.parts import (
    Finish,
    FinishReason,
    Part,
    ResponseStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from harness.providers.shared.answer import SSEAnswer
from harness.providers.shared.failure import Failure, failure_in

#: Why a response is incomplete.
_INCOMPLETE: Final[dict[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}
#: Events that carry a piece of text in `delta`, and the part that it makes.
_DELTAS: Final[dict[str, type[TextDelta | ThinkingDelta]]] = {
    "response.output_text.delta": TextDelta,
    "response.refusal.delta": TextDelta,
    "response.reasoning_summary_text.delta": ThinkingDelta,
    "response.reasoning_text.delta": ThinkingDelta,
}
#: Events after which nothing comes, and the status of the response that they carry.
_ENDS: Final = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}


class ResponsesAnswer(SSEAnswer):
    """One answer as it grows, streamed or whole. Events that this code does not know say nothing to it."""

    content_fields = frozenset({"type", "output"})
    passing = frozenset({"server_error", "rate_limit_exceeded"})
    failing: ClassVar[str] = "reported that the response failed"

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        #: Whether the event that ends a stream, or the whole response, has come.
        self.ended = False
        self.response_id: str | None = None
        #: The arguments that have come of each tool call, by its place among the response's items.
        self._arguments: dict[int, str] = {}
        #: Ids of its tool calls, and its reasoning that only the provider can read.
        self.call_ids: list[str] = []
        self.reasoning: list[ReasoningItem] = []

    @property
    def over(self) -> bool:
        return self.ended or super().over

    def event(self, event: Mapping[str, Any]) -> Iterable[Part]:
        if self.ended:
            return ()
        # Nearly every event is a piece of text.
        made = _DELTAS.get(event["type"])
        return self._parts(event) if made is None else (made(self._text(event["delta"])),)

    def _parts(self, event: Mapping[str, Any]) -> Iterator[Part]:
        kind = event["type"]
        if kind == "response.created":
            yield from self._started(event["response"])
        elif kind == "response.output_item.added" and event["item"]["type"] == "function_call":
            place, item = event["output_index"], event["item"]
            self._arguments[place] = ""
            yield ToolCallDelta(place, item["call_id"], item["name"], "")
        elif kind == "response.function_call_arguments.delta":
            place, delta = event["output_index"], event["delta"]
            self._arguments[place] = self._arguments.get(place, "") + delta
            yield ToolCallDelta(place, None, None, delta)
        elif kind == "response.function_call_arguments.done":
            # Some hosts that speak this API send no deltas.
            if not self._arguments.get(event["output_index"]):
                yield ToolCallDelta(event["output_index"], None, None, event["arguments"])
        elif kind in _ENDS:
            self._take_reasoning(event["response"])
            yield from self._end(event["response"], _ENDS[kind])
        elif kind == "error":
            raise self.reported(failure_in(event))

    def answer(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        if not isinstance(answer.get("output"), list):
            raise self.malformed("an answer without output")
        yield from self._started(answer)
        for place, item in enumerate(answer["output"]):
            if item["type"] == "reasoning":
                pieces = (*item["summary"], *(item.get("content") or ()))
                yield from (ThinkingDelta(piece["text"]) for piece in pieces)
            elif item["type"] == "message":
                yield from (
                    TextDelta(piece["refusal"] if piece["type"] == "refusal" else piece["text"])
                    for piece in item["content"]
                )
            elif item["type"] == "function_call":
                yield ToolCallDelta(place, item["call_id"], item["name"], item["arguments"])
                self._arguments[place] = item["arguments"]
        self._take_reasoning(answer)
        yield from self._end(answer, answer.get("status") or "completed")

    def _take_reasoning(self, response: Mapping[str, Any]) -> None:
        # Where the provider keeps answers, it has their reasoning; what it does not keep, it sends encrypted if asked.
        for item in response.get("output") or ():
            if item["type"] == "function_call":
                self.call_ids.append(item["call_id"])
            elif item["type"] == "reasoning" and item.get("encrypted_content"):
                said = {name: value for name, value in item.items() if name in ReasoningItem.model_fields}
                self.reasoning.append(ReasoningItem.model_validate(said))

    def _text(self, delta: Any) -> str:
        if not isinstance(delta, str):
            raise self.malformed(f"a delta of text that is {delta!r}")
        return delta

    def _started(self, response: Mapping[str, Any]) -> Iterator[Part]:
        self.response_id = response["id"]
        yield ResponseStarted(response["id"])

    def _end(self, response: Mapping[str, Any], status: str) -> Iterator[Part]:
        if response.get("usage") is not None:
            yield _usage(response["usage"])
        if status == "completed":
            self.ended = True
            yield Finish("tool_calls" if self._arguments else "stop", status)
        elif status == "incomplete":
            self.ended = True
            why = (response.get("incomplete_details") or {}).get("reason")
            yield Finish(_INCOMPLETE.get(why or "", "other"), why)
        else:
            error = response.get("error")
            raise self.reported(failure_in(error) if error else Failure(f"the response is {status}"))


def _usage(usage: Mapping[str, Any]) -> Usage:
    details, output = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    return Usage(
        prompt_tokens=usage["input_tokens"],
        completion_tokens=usage["output_tokens"],
        total_tokens=usage["total_tokens"],
        cached_prompt_tokens=details.get("cached_tokens"),
        reasoning_tokens=output.get("reasoning_tokens"),
        cache_creation_tokens=details.get("cache_write_tokens"),
        raw=dict(usage),
    )
