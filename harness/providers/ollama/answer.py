"""One answer of Ollama's own chat API, whole or in lines of JSON, to parts.

Source: https://docs.ollama.com/api/chat and https://docs.ollama.com/api/errors (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from harness.llm.output.parts import FinishReason, Part, TextDelta, ThinkingDelta, ToolCallDelta
from harness.providers.shared.calls.begun_calls import BegunCalls
from harness.providers.shared.calls.tool_calls import whole_arguments
from harness.providers.shared.lines import LinesAnswer
from harness.providers.shared.reasoning.fields import Reasoning
from harness.providers.shared.shapes import as_flag, as_id, as_list, as_object, as_text, as_words
from harness.providers.shared.usage import usage

#: What of the last line tells what the call has taken.
_MEASURES: Final = frozenset(
    {"prompt_eval_count", "eval_count", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration"}
)


class OllamaAnswer(LinesAnswer):
    """One answer as it grows. Each line is an object like a whole answer; the last one says that it is `done`."""

    content_fields = frozenset({"done"})
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {"stop": "stop", "length": "length"}
    stops_for_tools = True
    # It was asked to hold a model ready, or to let it go, or has only done that.
    failed_reasons = frozenset({"load", "unload"})

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._calls = BegunCalls()
        #: Whether nothing of an answer has come, and whether any message has.
        self._is_empty = True
        self._has_message = False
        #: The ids that the host has given.
        self.call_ids: list[str] = []
        self.reasoning = Reasoning()

    def _has_content(self, sent: Mapping[str, Any]) -> bool:
        return super()._has_content(sent) or isinstance(sent.get("message"), Mapping)

    def event(self, event: Any) -> Iterator[Part]:
        event = as_object(event)
        message = as_object(event.get("message"))
        self._has_message = self._has_message or "message" in event
        # The first name is the API's; some servers that speak it write another.
        if thinking := self.reasoning.take({"reasoning": message.get("thinking") or message.get("reasoning")}):
            yield ThinkingDelta(thinking)
        if content := as_words(message.get("content")):
            yield TextDelta(content)
        calls = as_list(message.get("tool_calls"))
        for call in calls:
            yield self._call(as_object(call))
        self._is_empty = self._is_empty and not (thinking or content or calls)
        if as_flag(event.get("done")):
            yield from self._ended(event)

    def _call(self, call: Mapping[str, Any]) -> ToolCallDelta:
        """Return a call, which is never sent in pieces."""
        function, call_id = as_object(call.get("function")), as_id(call.get("id"))
        arguments = whole_arguments(function.get("arguments"))
        begun = self._calls.begin(len(self._calls), call_id, function.get("name"), arguments)
        if call_id is not None and begun.id == call_id:
            self.call_ids.append(call_id)
        return begun

    def _ended(self, event: Mapping[str, Any]) -> Iterator[Part]:
        self.done = True
        reason = as_text(event.get("done_reason")) or None
        self.refuse_reason(reason)
        raw = {name: value for name, value in event.items() if name in _MEASURES}
        if self._is_empty and not (self._has_message and (reason or raw)):
            raise self.malformed(f"nothing but an end: {event!r:.200}")
        yield from usage(raw, [raw.get("prompt_eval_count")], [raw.get("eval_count")])
        yield self.finish(reason, self._calls)
