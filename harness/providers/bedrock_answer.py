"""One answer of Bedrock Converse, from boto3's objects to parts.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html (2026-11).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.errors import MalformedResponseError
from harness.llm.parts import Finish, FinishReason, Part, TextDelta, ThinkingDelta, ToolCallDelta, Usage

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


class Answer:
    """One answer as it grows, streamed or whole. Events that this code does not know say nothing to it."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        #: Whether anything of the answer has come.
        self.begun = False
        #: From the headers of its response, once they have come.
        self.request_id: str | None = None
        self._stopped = False
        self._finish: str | None = None
        #: The indices of the blocks that are open tool calls without any input yet.
        self._empty_calls: set[int] = set()

    def headers(self, response: Mapping[str, Any]) -> None:
        """Take what the headers of the response say."""
        self.request_id = response.get("ResponseMetadata", {}).get("RequestId")

    def event(self, event: Mapping[str, Any]) -> Iterator[Part]:
        """Return the parts of one streamed event."""
        self.begun = True
        with self._read_as_documented():
            match event:
                case {"contentBlockStart": {"start": {"toolUse": use}, "contentBlockIndex": index}}:
                    self._empty_calls.add(index)
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

    def whole(self, response: Mapping[str, Any]) -> Iterator[Part]:
        """Return the parts of an answer that was not streamed."""
        self.headers(response)
        with self._read_as_documented():
            for index, block in enumerate(response["output"]["message"]["content"]):
                match block:
                    case {"toolUse": use}:
                        arguments = json.dumps(use["input"], ensure_ascii=False)
                        yield ToolCallDelta(index, use["toolUseId"], use["name"], arguments)
                    case {"reasoningContent": {"reasoningText": {"text": text}}} if text:
                        yield ThinkingDelta(text)
                    case {"text": text} if text:
                        yield TextDelta(text)
            self._stopped, self._finish = True, response.get("stopReason")
            yield from self._end(response.get("usage"))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Part]:
        match delta:
            case {"text": text} if text:
                yield TextDelta(text)
            case {"reasoningContent": {"text": text}} if text:
                yield ThinkingDelta(text)
            case {"toolUse": {"input": arguments}} if arguments:
                self._empty_calls.discard(index)
                yield ToolCallDelta(index, None, None, arguments)

    def _end(self, usage: Mapping[str, Any] | None) -> Iterator[Part]:
        # A stream's last event is metadata; it ends a message that has stopped.
        if usage:
            yield _usage(usage)
        if self._stopped:
            yield Finish(None if self._finish is None else _FINISH.get(self._finish, "other"), self._finish)

    @contextlib.contextmanager
    def _read_as_documented(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, KeyError, TypeError) as error:
            raise MalformedResponseError(
                f"{self.provider} sent what its wire format does not allow ({type(error).__name__}: {error})",
                provider=self.provider,
                request_id=self.request_id,
            ) from error


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
