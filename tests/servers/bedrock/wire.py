"""Bedrock Converse's format: from a scripted message to the objects that travel, and AWS event-stream framing.

Pure functions. The fields are those of the API reference (docs.aws.amazon.com/bedrock/latest/APIReference, Converse and
ConverseStream); their order, the padding `p` and the counts are those of live traffic from 2025-11 to 2026-03. The
framing is that of docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, "Event stream encoding".
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.servers.anthropic.scenarios import Answer, Call, Failure, Thinking
from tests.servers.anthropic.wire import text_of
from tests.servers.openai.chat_wire import pieces

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_STRING: Final = 7


@dataclass(frozen=True)
class Message:
    """One assistant message; each piece of a block is one delta and counts as one token."""

    seed: str
    answer: Answer
    blocks: tuple[str | Thinking | Call, ...]
    stop_reason: str
    input_tokens: int

    @classmethod
    def of(cls, answer: Answer, body: Mapping[str, Any], seed: str) -> Message:
        blocks, stop_reason = answer.blocks, "end_turn"
        limit = body.get("inferenceConfig", {}).get("maxTokens")
        if any(isinstance(block, Call) for block in blocks):
            stop_reason = "tool_use"
        if limit is not None and isinstance(blocks[0], str) and limit < len(pieces(blocks[0])):
            blocks, stop_reason = ("".join(pieces(blocks[0])[:limit]),), "max_tokens"
        # Four characters a token is the usual rule of thumb.
        input_tokens = sum(4 + len(text_of(message["content"])) // 4 for message in body["messages"])
        return cls(seed, answer, blocks, stop_reason, input_tokens)

    def call_id(self, index: int) -> str:
        return f"tooluse_{_letters(f'{self.seed}/call/{index}', 22)}"

    def signature(self, index: int) -> str:
        return base64.b64encode(_letters(f"{self.seed}/signature/{index}", 45).encode()).decode()

    def usage(self, *, streamed: bool) -> dict[str, Any]:
        read, created = self.answer.cache_read, self.answer.cache_created
        output_tokens = sum(len(pieces(_content(block))) for block in self.blocks)
        usage = {
            "inputTokens": self.input_tokens,
            "outputTokens": output_tokens,
            "serverToolUsage": {},
            "totalTokens": self.input_tokens + output_tokens + read + created,
        }
        if streamed and not read:
            return usage
        cache = {
            "cacheReadInputTokenCount": read,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokenCount": created,
            "cacheWriteInputTokens": created,
        }
        return {**cache, **usage}

    def whole(self) -> dict[str, Any]:
        """The message as one object, the answer to Converse."""
        content = [self._whole_block(index, block) for index, block in enumerate(self.blocks)]
        return {
            "metrics": {"latencyMs": 420},
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": self.stop_reason,
            "usage": self.usage(streamed=False),
        }

    def events(self) -> Iterator[bytes]:
        """The framed events of ConverseStream, in order."""
        yield self._framed("messageStart", {"role": "assistant"})
        for index, block in enumerate(self.blocks):
            where = {"contentBlockIndex": index}
            if isinstance(block, Call):
                start = {"toolUse": {"name": block.name, "toolUseId": self.call_id(index)}}
                yield self._framed("contentBlockStart", {**where, "start": start})
            for delta in self._deltas(index, block):
                yield self._framed("contentBlockDelta", {**where, "delta": delta})
            yield self._framed("contentBlockStop", where)
        yield self._framed("messageStop", {"stopReason": self.stop_reason})
        yield self._framed("metadata", {"metrics": {"latencyMs": 420}, "usage": self.usage(streamed=True)})

    def _framed(self, name: str, event: dict[str, Any]) -> bytes:
        padding = hashlib.sha256(f"{self.seed}/{name}/{json.dumps(event)}".encode()).digest()[0] % 55 + 3
        padded = dict(sorted({**event, "p": _ALPHABET[:padding]}.items()))
        return framed({":event-type": name, **_JSON, ":message-type": "event"}, padded)

    def _deltas(self, index: int, block: str | Thinking | Call) -> Iterator[dict[str, Any]]:
        match block:
            case str():
                yield from ({"text": piece} for piece in pieces(block))
            case Thinking(redacted=True):
                yield {"reasoningContent": {"redactedContent": self.signature(index)}}
            case Thinking():
                yield from ({"reasoningContent": {"text": piece}} for piece in pieces(block.text))
                yield {"reasoningContent": {"signature": self.signature(index)}}
            case Call():
                said = pieces(block.arguments) if block.arguments != "{}" else ()
                yield from ({"toolUse": {"input": piece}} for piece in ("", *said))

    def _whole_block(self, index: int, block: str | Thinking | Call) -> dict[str, Any]:
        match block:
            case str():
                return {"text": block}
            case Thinking(redacted=True):
                return {"reasoningContent": {"redactedContent": self.signature(index)}}
            case Thinking():
                said = {"signature": self.signature(index), "text": block.text}
                return {"reasoningContent": {"reasoningText": said}}
            case Call():
                asked = json.loads(block.arguments)
                use = {"input": asked, "name": block.name, "toolUseId": self.call_id(index), "type": "tool_use"}
                return {"toolUse": use}


_JSON: Final = {":content-type": "application/json"}


def failed(failure: Failure) -> bytes:
    """`failure` as the event that ends a stream."""
    name = failure.type[0].lower() + failure.type[1:]
    return framed({":exception-type": name, **_JSON, ":message-type": "exception"}, {"message": failure.message})


def framed(headers: Mapping[str, str], payload: Mapping[str, Any]) -> bytes:
    """One message of an AWS event stream: prelude and its CRC, headers, payload, CRC over it all."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(body), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + body
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    said = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(said)) + said


def request_id(seed: str) -> str:
    digest = hashlib.sha256(seed.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _content(block: str | Thinking | Call) -> str:
    return block if isinstance(block, str) else block.text if isinstance(block, Thinking) else block.arguments


def _letters(seed: str, length: int) -> str:
    digest = hashlib.sha512(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])
