"""How each provider ends a stream and tells of an error: one row per wire format.

Sources, read 2026-11: https://platform.openai.com/docs/guides/error-codes,
https://platform.openai.com/docs/api-reference/responses-streaming, https://docs.anthropic.com/en/api/errors,
https://ai.google.dev/gemini-api/docs/troubleshooting,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.recording.framing import end_was_seen, media_type
from harness.recording.wire import Headers, WireResponse

#: The media type of AWS event streams.
AWS_EVENT_STREAM: Final = "application/vnd.amazon.eventstream"
_STREAMS: Final = frozenset({"text/event-stream", AWS_EVENT_STREAM})


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider's wire format, as far as its ends and errors go."""

    name: str
    #: What a body of it holds, streamed or not.
    mark: re.Pattern[bytes]
    #: The provider's word for its own fault, by HTTP status; 500 also stands for an error inside a stream.
    words: Mapping[int, str]
    #: The JSON body of an error, from status, word and message.
    envelope: Callable[[int, str, str], dict[str, Any]]
    #: The event that tells of an error inside a stream, from status, word and message.
    event: Callable[[int, str, str], bytes]
    #: How many events, counted from the last, end a stream.
    ends: int = 1
    #: What ends a stream beside the marks that `framing` knows.
    last_words: re.Pattern[bytes] | None = None
    #: The header that names an error, where the provider sends one.
    error_header: str | None = None

    def error_response(self, status: int, message: str) -> tuple[Headers, bytes]:
        """Return the header fields and the body with which an HTTP error comes."""
        word = self.words[status]
        named = ((self.error_header, word),) if self.error_header else ()
        return (("content-type", "application/json"), *named), json.dumps(self.envelope(status, word, message)).encode()

    def error_event(self, message: str) -> bytes:
        """Return the event that tells of a server error inside a stream."""
        return self.event(500, self.words[500], message)


def dialect_of(response: WireResponse) -> Dialect:
    """Return the row that fits the body of `response`; OpenAI's, which most hosts speak, where none does."""
    return next((row for row in _DIALECTS if row.mark.search(response.body)), _DIALECTS[-1])


def is_stream(response: WireResponse) -> bool:
    """Return whether `response` streams events; an error status comes with one body, whatever its type says."""
    return 200 <= response.status < 300 and media_type(response.header("content-type") or "") in _STREAMS


def end_events(response: WireResponse, events: Sequence[bytes]) -> tuple[int, ...]:
    """Return which of the events of `response`, by index, say that its stream has ended; none where it does not stream."""
    if not is_stream(response):
        return ()
    dialect, content_type = dialect_of(response), response.header("content-type") or ""
    found = [
        index
        for index, event in enumerate(events)
        if end_was_seen(content_type, event) or (dialect.last_words is not None and dialect.last_words.search(event))
    ]
    return tuple(found[-dialect.ends :])


def aws_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one event-stream message with string headers and right CRCs.

    https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, "Event stream encoding" (2026-11).
    """
    fields = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for name, value in headers.items()
    )
    lengths = (16 + len(fields) + len(payload)).to_bytes(4, "big") + len(fields).to_bytes(4, "big")
    content = lengths + zlib.crc32(lengths).to_bytes(4, "big") + fields + payload
    return content + zlib.crc32(content).to_bytes(4, "big")


def _sse(body: Mapping[str, Any], name: str | None = None) -> bytes:
    event = f"event: {name}\n" if name else ""
    return f"{event}data: {json.dumps(body)}\n\n".encode()


def _openai(_: int, word: str, message: str) -> dict[str, Any]:
    code = "rate_limit_exceeded" if word == "requests" else None
    return {"error": {"message": message, "type": word, "param": None, "code": code}}


def _anthropic(_: int, word: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": word, "message": message}}


def _gemini(status: int, word: str, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": word}}


def _bedrock(_: int, word: str, message: str) -> dict[str, Any]:
    return {"message": message}


def _responses_event(_: int, word: str, message: str) -> bytes:
    return _sse({"type": "error", "code": word, "message": message, "param": None, "sequence_number": 0}, "error")


def _bedrock_event(_: int, word: str, message: str) -> bytes:
    # Inside a stream the exception has the name of its member: internalServerException.
    kind = word[0].lower() + word[1:]
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return aws_message(headers, json.dumps({"message": message}).encode())


_OPENAI_WORDS: Final = {429: "requests", 500: "server_error"}

#: The first row that fits decides: what Responses streams holds items of the type `message`, as Anthropic's answers are.
_DIALECTS: Final = (
    Dialect("openai-responses", re.compile(rb'"object": ?"response"'), _OPENAI_WORDS, _openai, _responses_event),
    Dialect(
        "bedrock",
        re.compile(rb':event-type\x07|"output": ?\{"message":'),
        {429: "ThrottlingException", 500: "InternalServerException"},
        _bedrock,
        _bedrock_event,
        ends=2,
        last_words=re.compile(rb"\x0b:event-type\x07\x00\x0bmessageStop"),
        error_header="x-amzn-errortype",
    ),
    Dialect(
        "anthropic",
        re.compile(rb'"type": ?"message(?:_start)?"'),
        {429: "rate_limit_error", 500: "api_error"},
        _anthropic,
        lambda *error: _sse(_anthropic(*error), "error"),
    ),
    Dialect(
        "gemini",
        re.compile(rb'"candidates": ?\['),
        {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"},
        _gemini,
        lambda *error: _sse(_gemini(*error)),
        last_words=re.compile(rb'"finishReason"'),
    ),
    Dialect("openai", re.compile(rb'"chat\.completion'), _OPENAI_WORDS, _openai, lambda *error: _sse(_openai(*error))),
)
