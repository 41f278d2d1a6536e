"""Anthropic's Messages format: from a scripted message to the objects that travel.

Pure functions. The fields are those of "Messages" and "Streaming messages" (platform.claude.com/docs/en/api/messages,
…/build-with-claude/streaming), as the types of anthropic 2.11.0 state them; the order of events and keys and the spaces
after an event's JSON are those of live traffic from 2025-11 to 2026-03.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.servers.anthropic.scenarios import Answer, Call, Failure, Thinking
from tests.servers.openai.chat_wire import pieces

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True)
class Message:
    """One assistant message; each piece of a block is one delta and counts as one token."""

    seed: str
    model: str
    answer: Answer
    blocks: tuple[str | Thinking | Call, ...]
    stop_reason: str
    input_tokens: int

    @classmethod
    def of(cls, answer: Answer, body: Mapping[str, Any], model: str, seed: str) -> Message:
        blocks, stop_reason = answer.blocks, "end_turn"
        if any(isinstance(block, Call) for block in blocks):
            stop_reason = "tool_use"
        if isinstance(blocks[0], str) and body["max_tokens"] < len(pieces(blocks[0])):
            blocks, stop_reason = ("".join(pieces(blocks[0])[: body["max_tokens"]]),), "max_tokens"
        # Four characters a token is the usual rule of thumb.
        input_tokens = sum(4 + len(text_of(message.get("content"))) // 4 for message in body["messages"])
        return cls(seed, model, answer, blocks, stop_reason, input_tokens)

    @property
    def id(self) -> str:
        return f"msg_01{_letters(self.seed, 22)}"

    @property
    def output_tokens(self) -> int:
        return sum(len(pieces(_content(block))) for block in self.blocks)

    def call_id(self, index: int) -> str:
        return f"toolu_01{_letters(f'{self.seed}/call/{index}', 22)}"

    def signature(self, index: int) -> str:
        return _letters(f"{self.seed}/signature/{index}", 60)

    def usage(self, output_tokens: int) -> dict[str, Any]:
        answer = self.answer
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": answer.cache_created,
            "cache_read_input_tokens": answer.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": answer.cache_created,
                "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
        }

    def whole(self) -> dict[str, Any]:
        """The message as one object, the answer to a request that does not stream."""
        content = [self._whole_block(index, block) for index, block in enumerate(self.blocks)]
        return {**self._head(content, self.stop_reason), "usage": self.usage(self.output_tokens)}

    def events(self) -> Iterator[dict[str, Any]]:
        """The events of a stream, in order."""
        yield {"type": "message_start", "message": {**self._head([], None), "usage": self.usage(1)}}
        for index, block in enumerate(self.blocks):
            yield {"type": "content_block_start", "index": index, "content_block": self._opened(index, block)}
            if index == 0:
                yield {"type": "ping"}
            for delta in self._deltas(index, block):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        usage = self.usage(self.output_tokens)
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": self.stop_reason, "stop_sequence": None},
            "usage": {name: usage[name] for name in names},
        }
        yield {"type": "message_stop"}

    def _head(self, content: list[dict[str, Any]], stop_reason: str | None) -> dict[str, Any]:
        return {
            "model": self.model,
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
        }

    def _opened(self, index: int, block: str | Thinking | Call) -> dict[str, Any]:
        match block:
            case str():
                return {"type": "text", "text": ""}
            case Thinking(redacted=True):
                return {"type": "redacted_thinking", "data": self.signature(index)}
            case Thinking():
                return {"type": "thinking", "thinking": "", "signature": ""}
            case Call():
                return {"type": "tool_use", "id": self.call_id(index), "name": block.name, "input": {}}

    def _deltas(self, index: int, block: str | Thinking | Call) -> Iterator[dict[str, Any]]:
        match block:
            case str():
                yield from ({"type": "text_delta", "text": piece} for piece in pieces(block))
            case Thinking(redacted=True):
                return
            case Thinking():
                yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block.text))
                yield {"type": "signature_delta", "signature": self.signature(index)}
            case Call():
                said = pieces(block.arguments) if block.arguments != "{}" else ()
                yield from ({"type": "input_json_delta", "partial_json": piece} for piece in ("", *said))

    def _whole_block(self, index: int, block: str | Thinking | Call) -> dict[str, Any]:
        match block:
            case str():
                return {"type": "text", "text": block}
            case Thinking(redacted=True):
                return self._opened(index, block)
            case Thinking():
                return {"type": "thinking", "thinking": block.text, "signature": self.signature(index)}
            case Call():
                return {**self._opened(index, block), "input": json.loads(block.arguments)}


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of blocks."""
    if isinstance(content, list):
        return "".join(block.get("text", "") for block in content)
    return content or ""


def error(failure: Failure, request_id: str) -> dict[str, Any]:
    """The error envelope, which is a body of its own or an event of a stream."""
    return {
        "type": "error",
        "error": {"type": failure.type, "message": failure.message},
        "request_id": request_id,
    }


def sse(event: Mapping[str, Any]) -> bytes:
    """`event` as one server-sent event, with the spaces that live ones have before their last brace."""
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    spaces = hashlib.sha256(text.encode()).digest()[0] % 15
    return f"event: {event['type']}\ndata: {text[:-1]}{' ' * spaces}}}\n\n".encode()


def request_id(seed: str) -> str:
    return f"req_011{_letters(seed, 20)}"


def _content(block: str | Thinking | Call) -> str:
    return block if isinstance(block, str) else block.text if isinstance(block, Thinking) else block.arguments


def _letters(seed: str, length: int) -> str:
    digest = hashlib.sha512(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])
