"""One answer of Anthropic's Messages API, from its JSON to parts.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from harness.llm.output.parts import FinishReason, Part, TextDelta, ThinkingDelta, Usage
from harness.providers.shared.answer import SSEAnswer
from harness.providers.shared.calls.begun_calls import BegunCalls
from harness.providers.shared.calls.tool_calls import whole_arguments
from harness.providers.shared.reasoning.thoughts import GrowingThought, Keep
from harness.providers.shared.shapes import as_number, as_object, as_text, as_words, kind_of
from harness.providers.shared.usage import usage


class AnthropicAnswer(SSEAnswer):
    content_fields = frozenset({"type", "content"})
    request_id_headers = ("request-id",)
    code_field = "type"
    ends_body = True
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
    }

    def __init__(self, provider: str, keep: Keep) -> None:
        super().__init__(provider)
        self._keep = keep
        self._usage: dict[str, Any] = {}
        self._finish: str | None = None
        self._ended = False
        self._calls = BegunCalls()
        #: The indices of the blocks that have begun, in order; hosts leave them out.
        self._blocks: list[int] = []
        #: Blocks of reasoning as far as they have come, by their index.
        self._reasoning: dict[int, GrowingThought] = {}

    @property
    def is_over(self) -> bool:
        return self.done or self._ended

    @property
    def has_ended(self) -> bool:
        return self._ended

    def event(self, event: Any) -> Iterable[Part]:
        # Nearly every event is a piece of text.
        if kind_of(event) == "content_block_delta" and kind_of(event["delta"]) == "text_delta":
            return (TextDelta(as_words(event["delta"].get("text"))),)
        return self._parts(event)

    def _parts(self, event: Mapping[str, Any]) -> Iterator[Part]:
        match event["type"]:
            case "message_start":
                yield from self.started(as_object(event["message"]).get("id"))
                self._take_usage(event["message"].get("usage"))
            case "content_block_start":
                index = as_number(event.get("index"))
                yield from self._started(len(self._blocks) if index is None else index, event["content_block"])
            case "content_block_delta":
                yield from self._delta(self._index(event), event["delta"])
            case "content_block_stop":
                yield from self._calls.close(self._index(event))
            case "message_delta":
                delta = as_object(event.get("delta"))
                self._finish = as_text(delta.get("stop_reason")) or self._finish
                self._take_usage(event.get("usage"))
            case "message_stop":
                yield from self._end()

    def answer(self, answer: Any) -> Iterator[Part]:
        content = as_object(answer).get("content")
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        if not isinstance(content, list):
            raise self.malformed(f"an answer without content: {answer!r:.200}")
        yield from self.started(answer.get("id"))
        for index, block in enumerate(content):
            yield from self._started(index, block)
            yield from self._calls.close(index)
        self._finish = as_text(answer.get("stop_reason")) or None
        self._take_usage(answer.get("usage"))
        yield from self._end()

    def closing(self, last: bytes) -> Iterable[Part]:
        return self._end() if self.without_end_marker and self._finish and not self._ended else ()

    def _index(self, event: Mapping[str, Any]) -> int:
        index = as_number(event.get("index"))
        if index is None and self._blocks:
            return self._blocks[-1]
        if index not in self._blocks:
            raise self.malformed(f"a piece of block {index}, which never began")
        return index

    def _started(self, index: int, block: Mapping[str, Any]) -> Iterator[Part]:
        kind = kind_of(block)
        self._blocks.append(index)
        match kind:
            case "text" if text := as_words(block.get("text")):
                yield TextDelta(text)
            case "thinking":
                thinking, signature = as_words(block.get("thinking")), as_text(block.get("signature"))
                self._reasoning[index] = GrowingThought(thinking, signature)
                if thinking:
                    yield ThinkingDelta(thinking)
            case "redacted_thinking":
                self._reasoning[index] = GrowingThought(hidden=as_text(block.get("data")))
            # Not server_tool_use: the provider runs that one itself.
            case "tool_use":
                began_with = whole_arguments(block.get("input"))
                yield self._calls.begin(index, block.get("id"), block.get("name"), default=began_with)

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Part]:
        match kind_of(delta):
            case "thinking_delta" if thinking := as_words(delta.get("thinking")):
                if index in self._reasoning:
                    self._reasoning[index].text += thinking
                yield ThinkingDelta(thinking)
            case "signature_delta" if index in self._reasoning:
                self._reasoning[index].signature += as_text(delta.get("signature"))
            case "input_json_delta" if index in self._calls:
                piece = delta.get("partial_json")
                if piece not in (None, "", {}):
                    yield self._calls.more(index, piece)

    def _take_usage(self, usage: Any) -> None:
        # Later counts are cumulative; what a later report leaves out, an earlier one said.
        self._usage |= {name: count for name, count in as_object(usage).items() if count is not None}

    def _end(self) -> Iterator[Part]:
        self._ended = True
        if not self._blocks and self._finish is None:
            raise self.empty("a stream of nothing but its end marker")
        yield from self._calls.end()
        self._keep(self._calls.ids, (block.thought() for block in self._reasoning.values()))
        yield from _usage(self._usage)
        self.refuse_reason(self._finish)
        yield self.finish(self._finish, self._calls)


def _usage(raw: Mapping[str, Any]) -> Iterator[Usage]:
    """Yield the counts under the common names. `input_tokens`, as it is sent, leaves out what the cache gave or took."""
    cached, created = raw.get("cache_read_input_tokens"), raw.get("cache_creation_input_tokens")
    if created is None and raw.get("cache_creation") is not None:
        # By how long it is kept.
        created = sum(filter(None, map(as_number, as_object(raw["cache_creation"]).values())))
    read, written = [raw.get("input_tokens"), cached, created], [raw.get("output_tokens")]
    thinking = as_object(raw.get("output_tokens_details")).get("thinking_tokens")
    return usage(raw, read, written, cached=cached, reasoning=thinking, created=created)
