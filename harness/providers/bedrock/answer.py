"""One answer of Bedrock Converse, from boto3's objects to parts.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html (2026-11).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from harness.llm.output.parts import FinishReason, Part, TextDelta, ThinkingDelta, Usage
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.calls.begun_calls import BegunCalls
from harness.providers.shared.calls.tool_calls import whole_arguments
from harness.providers.shared.reasoning.thoughts import GrowingThought, Keep
from harness.providers.shared.shapes import as_list, as_number, as_object, as_text
from harness.providers.shared.usage import usage

#: The type of a use of a tool that the provider runs itself.
_HOSTED: Final = "server_tool_use"


class BedrockAnswer(ProviderAnswer):
    request_id_headers = ("RequestId",)
    content_fields = frozenset({"output"})
    ends_body = True
    failed_reasons = frozenset({"malformed_model_output", "malformed_tool_use"})
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "guardrail_intervened": "content_filter",
        "content_filtered": "content_filter",
    }

    def __init__(self, provider: str, keep: Keep) -> None:
        super().__init__(provider)
        self._keep = keep
        self._stopped = self._ended = False
        self._finish: str | None = None
        self._is_empty = True
        self._calls = BegunCalls()
        #: The indices of blocks that are uses of the provider's own tools.
        self._hosted: set[int] = set()
        #: The index of the block that came last; hosts leave it out.
        self._block = 0
        #: Blocks of reasoning as far as they have come, by their index.
        self._reasoning: dict[int, GrowingThought] = {}

    @property
    def is_over(self) -> bool:
        return self._ended

    def piece(self, piece: Mapping[str, Any]) -> Iterable[Part]:
        if self.is_over:
            return ()
        # Nearly every event is a piece of text.
        try:
            text = piece["contentBlockDelta"]["delta"]["text"]
        except (KeyError, TypeError):
            return self._parts(piece)
        self._is_empty = False
        return (TextDelta(as_text(text)),) if text else ()

    def _parts(self, event: Mapping[str, Any]) -> Iterator[Part]:
        for kind in ("contentBlockStart", "contentBlockDelta", "contentBlockStop"):
            if kind in event:
                block = as_object(event[kind])
                index = as_number(block.get("contentBlockIndex"))
                self._block = index = self._block if index is None else index
                self._is_empty = False
                yield from self._of_block(kind, index, block)
        if "messageStop" in event:
            self._stopped, self._finish = True, as_text(as_object(event["messageStop"]).get("stopReason")) or None
        if "metadata" in event:
            yield from self._end(as_object(event["metadata"]).get("usage"))

    def end(self) -> Iterable[Part]:
        return self._end(None) if self.without_end_marker and self._stopped and not self._ended else ()

    def _of_block(self, kind: str, index: int, block: Mapping[str, Any]) -> Iterator[Part]:
        if kind == "contentBlockDelta":
            yield from self._delta(index, as_object(block["delta"]))
        elif kind == "contentBlockStop":
            yield from self._calls.close(index)
        elif "toolUse" in (start := as_object(block["start"])):
            use = as_object(start["toolUse"])
            if use.get("type") == _HOSTED:
                self._hosted.add(index)
            else:
                self._hosted.discard(index)
                yield self._calls.begin(index, use.get("toolUseId"), use.get("name"))

    def whole(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        content = sent["output"]["message"]["content"]
        self._is_empty = not content
        for index, block in enumerate(map(as_object, as_list(content))):
            if "toolUse" in block:
                use = as_object(block["toolUse"])
                if use.get("type") != _HOSTED:
                    arguments = whole_arguments(use.get("input"))
                    yield self._calls.begin(index, use.get("toolUseId"), use.get("name"), arguments)
            elif "reasoningContent" in block:
                reasoning = as_object(block["reasoningContent"])
                yield from self._thinking(index, as_object(reasoning.get("reasoningText", reasoning)))
            elif text := as_text(block.get("text")):
                yield TextDelta(text)
            elif "citationsContent" in block:
                # What quotes stands in parts, with what it quotes beside them.
                cited = as_list(as_object(block["citationsContent"]).get("content"))
                yield from (TextDelta(text) for part in cited if (text := as_text(as_object(part).get("text"))))
        self._stopped, self._finish = True, as_text(sent.get("stopReason")) or None
        yield from self._end(sent.get("usage"))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Part]:
        if "reasoningContent" in delta:
            yield from self._thinking(index, as_object(delta["reasoningContent"]))
        elif "toolUse" in delta and index not in self._hosted:
            piece = as_object(delta["toolUse"]).get("input")
            if index not in self._calls:
                raise self.malformed(f"a piece of block {index}, which is no tool call that began")
            if piece:
                yield self._calls.more(index, piece)
        elif text := as_text(delta.get("text")):
            yield TextDelta(text)

    def _thinking(self, index: int, piece: Mapping[str, Any]) -> Iterator[Part]:
        block = self._reasoning.setdefault(index, GrowingThought())
        text = as_text(piece.get("text"))
        block.text += text
        block.signature += as_text(piece.get("signature"))
        if hidden := piece.get("redactedContent"):
            block.hidden = base64.b64encode(base64.b64decode(block.hidden) + hidden).decode()
        if text:
            yield ThinkingDelta(text)

    def _end(self, sent: Any) -> Iterator[Part]:
        # A stream's last event is metadata; it ends a message that has stopped.
        yield from _usage(as_object(sent))
        if self._stopped:
            self._ended = True
            self.refuse_reason(self._finish)
            yield from self._calls.end()
            self._keep(self._calls.ids, (block.thought() for block in self._reasoning.values()))
            if self._finish is None and self._is_empty:
                raise self.malformed("a stream of nothing but its end marker")
            yield self.finish(self._finish, self._calls)


def _usage(raw: Mapping[str, Any]) -> Iterator[Usage]:
    """Yield the counts under the common names. `inputTokens`, as it is sent, leaves out what the cache gave or took."""
    # The other names are those of Nova's own form.
    cached = raw.get("cacheReadInputTokens", raw.get("cacheReadInputTokenCount"))
    created = raw.get("cacheWriteInputTokens", raw.get("cacheWriteInputTokenCount"))
    return usage(
        raw, [raw.get("inputTokens"), cached, created], [raw.get("outputTokens")], cached=cached, created=created
    )
