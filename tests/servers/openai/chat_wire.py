"""OpenAI's chat-completions format: from a scripted message to the objects that travel.

Pure functions. The fields are those of OpenAI's API reference, "Chat completions"
(platform.openai.com/docs/api-reference/chat), as the types of openai-python 3.52.0 state them; the order of events, the
order of keys and the padding are those of live traffic from 2025-11 to 2026-03.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.servers.openai.chat_scenarios import Call, Completion, Failure

#: 2026-01-05T12:00:00Z, when every message was made.
CREATED: Final = 1_767_614_400

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Message:
    """One assistant message in pieces, each piece being one delta and counting as one token."""

    seed: str
    model: str
    text: tuple[str, ...]
    refusal: tuple[str, ...]
    calls: tuple[Call, ...]
    finish_reason: str
    prompt_tokens: int
    reasoning: tuple[str, ...] = ()

    @classmethod
    def of(cls, reply: Completion, body: Mapping[str, Any], model: str, seed: str) -> Message:
        limit: int | None = body.get("max_completion_tokens") or body.get("max_tokens")
        text = pieces(reply.text)
        finish_reason = "tool_calls" if reply.calls else "stop"
        if limit is not None and limit < len(text):
            text, finish_reason = text[:limit], "length"
        # Four characters a token is the provider's rule of thumb.
        prompt_tokens = sum(4 + len(message_text(message.get("content"))) // 4 for message in body["messages"])
        said = (text, pieces(reply.refusal), reply.calls)
        return cls(seed, model, *said, finish_reason, prompt_tokens, pieces(reply.reasoning))

    @property
    def id(self) -> str:
        return f"chatcmpl-{_letters(self.seed, 29)}"

    @property
    def fingerprint(self) -> str:
        return f"fp_{hashlib.sha256(self.model.encode()).hexdigest()[:10]}"

    def call_id(self, index: int) -> str:
        return f"call_{_letters(f'{self.seed}/call/{index}', 24)}"

    @property
    def usage(self) -> dict[str, Any]:
        called = sum(1 + len(pieces(call.arguments)) for call in self.calls)
        completion = len(self.reasoning) + len(self.text) + len(self.refusal) + called
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": len(self.reasoning),
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def pieces(text: str) -> tuple[str, ...]:
    """`text` in pieces of about a token's size; joined they are `text`."""
    return tuple(re.findall(r"\s*(?:\w{1,8}|[^\w\s]+)|\s+$", text))


def message_text(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def chunks(message: Message, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of a stream in order, without its end marker; `options` are the request's `stream_options`."""
    with_usage = bool(options.get("include_usage"))
    for number, choice in enumerate((*_choices(message), None)):
        if choice is None and not with_usage:
            return
        event: dict[str, Any] = {
            "id": message.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": message.model,
            "service_tier": "default",
            "system_fingerprint": message.fingerprint,
            "choices": [choice] if choice else [],
        }
        if with_usage:
            event["usage"] = None if choice else message.usage
        event["obfuscation"] = _padding(event, f"{message.seed}/{number}")
        yield event


def _choices(message: Message) -> Iterator[dict[str, Any]]:
    for delta in _deltas(message):
        yield {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    yield {"index": 0, "delta": {}, "logprobs": None, "finish_reason": message.finish_reason}


def _deltas(message: Message) -> Iterator[dict[str, Any]]:
    first = {"role": "assistant", "content": None if message.calls else ""}
    match message.calls:
        case ():
            yield {**first, "refusal": None}
        case (only,):
            # A single call opens in the chunk that carries the role; several open in chunks of their own.
            yield {**first, "tool_calls": [_opened(message, 0, only)], "refusal": None}
        case _:
            yield first
    yield from ({"reasoning_content": piece} for piece in message.reasoning)
    yield from ({"content": piece} for piece in message.text)
    yield from ({"refusal": piece} for piece in message.refusal)
    for index, call in enumerate(message.calls):
        if len(message.calls) > 1:
            yield {"tool_calls": [_opened(message, index, call)]}
        for piece in pieces(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _opened(message: Message, index: int, call: Call) -> dict[str, Any]:
    return {
        "index": index,
        "id": message.call_id(index),
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }


def completion(message: Message) -> dict[str, Any]:
    """The whole message as one object, the answer to a request that does not stream."""
    calls = [
        {
            "id": message.call_id(index),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for index, call in enumerate(message.calls)
    ]
    content = None if message.calls or message.refusal else "".join(message.text)
    said = {
        "role": "assistant",
        "content": content,
        **({"reasoning_content": "".join(message.reasoning)} if message.reasoning else {}),
        **({"tool_calls": calls} if calls else {}),
        "refusal": "".join(message.refusal) or None,
        "annotations": [],
    }
    return {
        "id": message.id,
        "object": "chat.completion",
        "created": CREATED,
        "model": message.model,
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": message.finish_reason}],
        "usage": message.usage,
        "service_tier": "default",
        "system_fingerprint": message.fingerprint,
    }


def error(failure: Failure) -> dict[str, Any]:
    """The error envelope, which is a body of its own or an event of a stream."""
    return {
        "error": {
            "message": failure.message,
            "type": failure.type,
            "param": failure.param,
            "code": failure.code,
        }
    }


def sse(event: Mapping[str, Any]) -> bytes:
    """`event` as one server-sent event."""
    return f"data: {_compact(event)}\n\n".encode()


def _compact(event: Mapping[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def _padding(event: Mapping[str, Any], seed: str) -> str:
    """The `obfuscation` that brings the event's JSON to a multiple of sixteen characters plus one, as live ones are."""
    bare = len(_compact({**event, "obfuscation": ""}))
    return _letters(seed, (1 - bare) % 16)


def _letters(seed: str, length: int) -> str:
    digest = hashlib.sha512(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])
