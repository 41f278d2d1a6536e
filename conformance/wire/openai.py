"""OpenAI's chat completions, which Azure and many hosts speak.

https://platform.openai.com/docs/api-reference/chat-streaming (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object
from conformance.wire.events import sse_events

_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    # In the words of Together, TGI, Mistral and Zhipu.
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "sensitive": "content_filter",
}
#: Reasons with which hosts say that an answer failed: OpenRouter and Mistral, DeepSeek, Zhipu.
_FAILURES: Final = frozenset({"error", "insufficient_system_resource", "network_error"})
#: A text of reasoning in a field of its own; where there is none, its details tell it.
_REASONING: Final = re.compile(rb'"reasoning(?:_content)?"\s*:\s*"[^"]')
COUNTS: Final = {name: name for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


def events_to_done(body: bytes, reading: Reading) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream until it is done, or tells of an error."""
    for _, data in sse_events(body):
        if data.strip() == b"[DONE]":
            reading.ended = True
            return
        event = json_object(data)
        # Groq and MiniMax have places of their own for it.
        envelopes = (event.get("x_groq") or {}).get("error"), (event.get("base_resp") or {}).get("status_code")
        if event.get("error") or any(envelopes):
            reading.failed = True
            return
        yield event


def read_stream(body: bytes, reading: Reading) -> None:
    current: dict[int, tuple[int, str | None]] = {}
    in_details = _REASONING.search(body) is None
    for event in events_to_done(body, reading):
        _use(reading, event.get("usage") or (event.get("x_groq") or {}).get("usage"))
        # Of several, which come side by side, the first is the answer.
        for choice in [each for each in event.get("choices", []) if not each.get("index")][:1]:
            _use(reading, choice.get("usage"))
            delta = choice.get("delta") or {}
            if in_details:
                _think_in_details(reading, delta)
            _add(reading, delta, current)
            _end(reading, choice.get("finish_reason"))


def read_plain(body: bytes, reading: Reading) -> None:
    answer = json_object(body)
    choice = answer["choices"][0]
    message = choice["message"]
    if _REASONING.search(body) is None:
        _think_in_details(reading, message)
    _think_and_say(reading, message)
    # The second is the form before there were several.
    calls = message.get("tool_calls") or (
        [{"function": message["function_call"]}] if message.get("function_call") else ()
    )
    for call in calls:
        custom = call.get("custom")
        function = call["function"] if custom is None else {"name": custom["name"], "arguments": custom["input"]}
        reading.call(call.get("id"), function["name"], function["arguments"])
    _use(reading, answer.get("usage"))
    _end(reading, choice.get("finish_reason"))
    reading.ended = True


def _add(reading: Reading, delta: dict[str, Any], current: dict[int, tuple[int, str | None]]) -> None:
    """Add one delta; `current` has the call that each index stands for at the moment, the last one last."""
    _think_and_say(reading, delta)
    # The second is the form before there were several.
    only = delta.get("function_call")
    pieces = delta.get("tool_calls") or ([{"index": 0, "function": only}] if only else [])
    for place, piece in enumerate(pieces):
        index, call_id, function = piece.get("index"), piece.get("id"), piece.get("function") or {}
        if index is None:
            # Some hosts number no calls: an id tells them apart, or that they come together.
            last = place if len(pieces) > 1 else next(reversed(current), 0)
            index = next((at for at in current if call_id and reading.has_call((at, call_id))), last)
        # Some hosts number all parallel calls 0: a new id is a new call.
        key = (index, call_id) if call_id else current.get(index, (index, None))
        current.pop(index, None)
        current[index] = key
        if not reading.has_call(key):
            reading.begin_call(key, call_id, function.get("name") or "")
        reading.argue(key, function.get("arguments"))


def _think_in_details(reading: Reading, message: dict[str, Any]) -> None:
    for detail in message.get("reasoning_details") or ():
        reading.think(detail.get("text") or detail.get("summary"))


def _think_and_say(reading: Reading, message: dict[str, Any]) -> None:
    # The names are those of hosts which speak OpenAI's format; OpenAI itself sends no reasoning here.
    reading.think(message.get("reasoning_content") or message.get("reasoning") or message.get("reasoning_text"))
    content = message.get("content")
    # Some hosts send parts, and think in some of them.
    for part in content if isinstance(content, list) else [{"text": content}]:
        for thought in part.get("thinking") or part.get("summary") or ():
            reading.think(thought["text"])
        (reading.think if part.get("type") == "reasoning" else reading.say)(part.get("text"))
    reading.say(message.get("refusal"))
    reading.say((message.get("audio") or {}).get("transcript"))


def _use(reading: Reading, sent: dict[str, Any] | None) -> None:
    if sent is not None:
        reading.usage = counts(sent, COUNTS)
        # As DeepSeek and Moonshot have it.
        reading.usage |= counts(sent, {"cached_prompt_tokens": "cached_tokens"})
        reading.usage |= counts(sent, {"cached_prompt_tokens": "prompt_cache_hit_tokens"})
        reading.usage |= counts(sent.get("prompt_tokens_details") or {}, {"cached_prompt_tokens": "cached_tokens"})
        reading.usage |= counts(sent.get("completion_tokens_details") or {}, {"reasoning_tokens": "reasoning_tokens"})
        apart = reading.usage.get("reasoning_tokens", 0)
        if apart and sent.get("total_tokens") == sent["prompt_tokens"] + sent["completion_tokens"] + apart:
            # Some hosts count the reasoning beside the rest of the answer.
            reading.usage["completion_tokens"] += apart


def _end(reading: Reading, reason: str | None) -> None:
    if reason is not None:
        reading.finish(reason.lower(), _REASONS, _FAILURES)
