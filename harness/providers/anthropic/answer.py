"""One answer of Anthropic's Messages API, from its JSON to parts.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from harness.llm.blocks import RedactedThinkingPart, ThinkingPart
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
from harness.providers.shared.thoughts import Thought, Thoughts

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class AnthropicAnswer(SSEAnswer):
    """One answer as it grows, streamed or whole. Events that this code does not know say nothing to it."""

    content_fields = frozenset({"type", "content"})
    request_id_headers = ("request-id",)
    code_field = "type"
    passing = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})

    def __init__(self, provider: str, thoughts: Thoughts) -> None:
        super().__init__(provider)
        self._thoughts = thoughts
        self._usage: dict[str, Any] = {}
        self._finish: str | None = None
        #: The tool calls that are open, by the index of their block: what their input began with, if no more came.
        self._empty_calls: dict[int, dict[str, Any]] = {}
        #: Its id by the index of a call's block.
        self._calls: dict[int, str] = {}
        #: Blocks of reasoning as far as they have come, by their index.
        self._reasoning: dict[int, dict[str, str]] = {}

    def event(self, event: Mapping[str, Any]) -> Iterable[Part]:
        # Nearly every event is a piece of text.
        if event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
            return (TextDelta(event["delta"]["text"]),)
        return self._parts(event)

    def _parts(self, event: Mapping[str, Any]) -> Iterator[Part]:
        match event["type"]:
            case "message_start":
                yield ResponseStarted(event["message"]["id"])
                self._take_usage(event["message"].get("usage"))
            case "content_block_start":
                yield from self._started(event["index"], event["content_block"])
            case "content_block_delta":
                yield from self._delta(event["index"], event["delta"])
            case "content_block_stop":
                began_with = self._empty_calls.pop(event["index"], None)
                if began_with is not None:
                    yield ToolCallDelta(event["index"], None, None, _text(began_with))
            case "message_delta":
                self._finish = event["delta"].get("stop_reason") or self._finish
                self._take_usage(event.get("usage"))
            case "message_stop":
                yield from self._end()

    def answer(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        yield ResponseStarted(answer["id"])
        for index, block in enumerate(answer["content"]):
            yield from self._started(index, block)
            if index in self._empty_calls:
                yield ToolCallDelta(index, None, None, _text(block["input"]))
        self._finish = answer.get("stop_reason")
        self._take_usage(answer.get("usage"))
        yield from self._end()

    def _started(self, index: int, block: Mapping[str, Any]) -> Iterator[Part]:
        match block["type"]:
            case "text" if block["text"]:
                yield TextDelta(block["text"])
            case "thinking":
                signature = block.get("signature") or ""
                self._reasoning[index] = {"type": "thinking", "thinking": block["thinking"], "signature": signature}
                if block["thinking"]:
                    yield ThinkingDelta(block["thinking"])
            case "redacted_thinking":
                self._reasoning[index] = {"type": "redacted_thinking", "data": block["data"]}
            # Not server_tool_use: the provider runs that one itself.
            case "tool_use":
                self._calls[index] = block["id"]
                self._empty_calls[index] = block.get("input") or {}
                yield ToolCallDelta(index, block["id"], block["name"], "")

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Part]:
        match delta["type"]:
            case "thinking_delta" if delta["thinking"]:
                if index in self._reasoning:
                    self._reasoning[index]["thinking"] += delta["thinking"]
                yield ThinkingDelta(delta["thinking"])
            case "signature_delta" if index in self._reasoning:
                self._reasoning[index]["signature"] += delta["signature"]
            case "input_json_delta" if index in self._calls and delta["partial_json"]:
                self._empty_calls.pop(index, None)
                yield ToolCallDelta(index, None, None, delta["partial_json"])

    def _signed(self) -> Iterator[Thought]:
        for block in self._reasoning.values():
            if "data" in block:
                yield RedactedThinkingPart.model_validate(block)
            elif block["signature"]:
                yield ThinkingPart.model_validate(block)

    def _take_usage(self, usage: Mapping[str, Any] | None) -> None:
        # Later counts are cumulative; what a later report leaves out, an earlier one said.
        self._usage |= {name: count for name, count in (usage or {}).items() if count is not None}

    def _end(self) -> Iterator[Part]:
        self._thoughts.keep(self._calls.values(), list(self._signed()))
        if self._usage:
            yield _usage(self._usage)
        self.refuse_reason(self._finish)
        yield Finish(None if self._finish is None else _FINISH.get(self._finish, "other"), self._finish)


def _text(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)


def _usage(raw: Mapping[str, Any]) -> Usage:
    """Return the counts under the common names. `input_tokens`, as it is sent, leaves out what the cache gave or took."""
    prompt, completion = raw.get("input_tokens", 0), raw.get("output_tokens", 0)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        cached_prompt_tokens=raw.get("cache_read_input_tokens"),
        reasoning_tokens=(raw.get("output_tokens_details") or {}).get("thinking_tokens"),
        cache_creation_tokens=raw.get("cache_creation_input_tokens"),
        raw=dict(raw),
    )
