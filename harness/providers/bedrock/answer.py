"""One answer of Bedrock Converse, from boto3's objects to parts.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html (2026-11).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.llm.blocks import RedactedThinkingPart, ThinkingPart
from harness.llm.parts import Finish, FinishReason, Part, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.thoughts import Thought, Thoughts

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


class BedrockAnswer(ProviderAnswer):
    """One answer as it grows, streamed or whole. Events that this code does not know say nothing to it."""

    request_id_headers = ("RequestId",)
    content_fields = frozenset({"output"})
    passing = frozenset({"internalServerException", "throttlingException", "serviceUnavailableException"})

    failed_reasons = ProviderAnswer.failed_reasons | {"malformed_model_output", "malformed_tool_use"}

    def __init__(self, provider: str, thoughts: Thoughts) -> None:
        super().__init__(provider)
        self._thoughts = thoughts
        self._stopped = False
        self._finish: str | None = None
        #: The indices of the blocks that are open tool calls without any input yet.
        self._empty_calls: set[int] = set()
        self._call_ids: list[str] = []
        #: Blocks of reasoning as far as they have come, by their index.
        self._reasoning: dict[int, _Reasoning] = {}

    def piece(self, piece: Mapping[str, Any]) -> Iterable[Part]:
        # Nearly every event is a piece of text.
        try:
            text = piece["contentBlockDelta"]["delta"]["text"]
        except (KeyError, TypeError):
            return self._parts(piece)
        return (TextDelta(text),) if text else ()

    def _parts(self, event: Mapping[str, Any]) -> Iterator[Part]:
        match event:
            case {"contentBlockStart": {"start": {"toolUse": use}, "contentBlockIndex": index}}:
                self._empty_calls.add(index)
                self._call_ids.append(use["toolUseId"])
                yield ToolCallDelta(index, use["toolUseId"], use["name"], "")
            case {"contentBlockDelta": {"delta": delta, "contentBlockIndex": index}}:
                yield from self._delta(index, delta)
            case {"contentBlockStop": {"contentBlockIndex": index}}:
                if index in self._empty_calls:
                    self._empty_calls.remove(index)
                    yield ToolCallDelta(index, None, None, "{}")
            case {"messageStop": stop}:
                self._stopped, self._finish = True, stop.get("stopReason")
            case {"metadata": metadata}:
                yield from self._end(metadata.get("usage"))

    def whole(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        for index, block in enumerate(sent["output"]["message"]["content"]):
            match block:
                case {"toolUse": use}:
                    self._call_ids.append(use["toolUseId"])
                    arguments = json.dumps(use["input"], ensure_ascii=False)
                    yield ToolCallDelta(index, use["toolUseId"], use["name"], arguments)
                case {"reasoningContent": {"reasoningText": said}}:
                    yield from self._reasons(index, said)
                case {"reasoningContent": hidden}:
                    yield from self._reasons(index, hidden)
                case {"text": text} if text:
                    yield TextDelta(text)
        self._stopped, self._finish = True, sent.get("stopReason")
        yield from self._end(sent.get("usage"))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Part]:
        match delta:
            case {"reasoningContent": said}:
                yield from self._reasons(index, said)
            case {"toolUse": {"input": arguments}} if arguments:
                self._empty_calls.discard(index)
                yield ToolCallDelta(index, None, None, arguments)

    def _reasons(self, index: int, said: Mapping[str, Any]) -> Iterator[Part]:
        block = self._reasoning.setdefault(index, _Reasoning())
        block.text += said.get("text") or ""
        block.signature += said.get("signature") or ""
        block.hidden += said.get("redactedContent") or b""
        if said.get("text"):
            yield ThinkingDelta(said["text"])

    def _end(self, usage: Mapping[str, Any] | None) -> Iterator[Part]:
        # A stream's last event is metadata; it ends a message that has stopped.
        if usage:
            yield _usage(usage)
        if self._stopped:
            self.refuse_reason(self._finish)
            signed = (block.part() for block in self._reasoning.values())
            self._thoughts.keep(self._call_ids, [part for part in signed if part is not None])
            yield Finish(None if self._finish is None else _FINISH.get(self._finish, "other"), self._finish)


@dataclass
class _Reasoning:
    """One block of reasoning as far as it has come."""

    text: str = ""
    signature: str = ""
    hidden: bytes = b""

    def part(self) -> Thought | None:
        """Return what is to be given back, or None where nothing is signed."""
        if self.hidden:
            return RedactedThinkingPart(type="redacted_thinking", data=base64.b64encode(self.hidden).decode())
        if self.signature:
            return ThinkingPart(type="thinking", thinking=self.text, signature=self.signature)
        return None


def _usage(raw: Mapping[str, Any]) -> Usage:
    """Return the counts under the common names. `inputTokens`, as it is sent, leaves out what the cache gave or took."""
    prompt, completion = raw["inputTokens"], raw["outputTokens"]
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=raw.get("totalTokens", prompt + completion),
        cached_prompt_tokens=raw.get("cacheReadInputTokens"),
        cache_creation_tokens=raw.get("cacheWriteInputTokens"),
        raw=dict(raw),
    )
