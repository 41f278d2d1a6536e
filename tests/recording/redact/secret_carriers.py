"""Bodies that carry a text the way a provider sends it, with the reader that a client has for it.

A text enters whole or in pieces; `read` gives back the whole text as a client puts it together, so that a test sees
what someone with the recording sees.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Carrier:
    """One way in which a text travels."""

    id: str
    content_type: str
    write: Callable[[Sequence[str]], bytes]
    read: Callable[[bytes], str]


def aws_message(event: str, payload: bytes) -> bytes:
    """One AWS event-stream message with right lengths and CRCs."""
    headers = b"".join(
        len(name).to_bytes(1, "big") + name + b"\x07" + len(value).to_bytes(2, "big") + value
        for name, value in (
            (b":event-type", event.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    prelude = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    head = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + payload
    return head + zlib.crc32(head).to_bytes(4, "big")


def aws_payloads(body: bytes) -> list[Any]:
    """The payloads of an AWS event stream; fails where a length or CRC is wrong."""
    payloads = []
    while body:
        total, headers = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        message, body = body[:total], body[total:]
        assert zlib.crc32(message[:8]) == int.from_bytes(message[8:12], "big")
        assert zlib.crc32(message[:-4]) == int.from_bytes(message[-4:], "big")
        payloads.append(json.loads(message[12 + headers : -4]))
    return payloads


def sse(events: Sequence[Any], *, end: str = "\n") -> bytes:
    """Server-sent events, each with its name where it has a `type`."""
    return "".join(
        (f"event: {event['type']}{end}" if "type" in event else "") + f"data: {json.dumps(event)}{end}{end}"
        for event in events
    ).encode()


def sse_events(body: bytes) -> list[Any]:
    """The JSON of each event, by a reader that knows no redaction."""
    return [
        json.loads(line.removeprefix("data: "))
        for line in body.decode().replace("\r\n", "\n").split("\n")
        if line.startswith("data: ") and line != "data: [DONE]"
    ]


def _chat(pieces: Sequence[str]) -> bytes:
    events = [
        {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in pieces
    ]
    return sse(events) + b"data: [DONE]\n\n"


def _read_chat(body: bytes) -> str:
    return "".join(event["choices"][0]["delta"]["content"] for event in sse_events(body))


def _chat_tools(pieces: Sequence[str]) -> bytes:
    """Two parallel calls, their arguments interleaved; the text travels in the second."""
    arguments = _cut_like(json.dumps({"note": "".join(pieces)}), pieces)
    events: list[Any] = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function",
         "function": {"name": "f", "arguments": ""}}]}}]}
        for index in (0, 1)
    ]  # fmt: skip
    for piece in arguments:
        for index, fragment in ((0, "{}x"), (1, piece)):
            call = {"index": index, "function": {"arguments": fragment}}
            events.append({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    return sse(events)


def _read_chat_tools(body: bytes) -> str:
    calls = (event["choices"][0]["delta"]["tool_calls"][0] for event in sse_events(body))
    return str(json.loads("".join(call["function"]["arguments"] for call in calls if call["index"] == 1))["note"])


def _responses(pieces: Sequence[str]) -> bytes:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[Any] = [
        {"type": "response.output_text.delta", "delta": piece, "obfuscation": "x9", **place} for piece in pieces
    ]
    events.append({"type": "response.output_text.done", "text": "".join(pieces), **place})
    return sse(events)


def _read_responses(body: bytes) -> str:
    *deltas, done = sse_events(body)
    joined = "".join(event["delta"] for event in deltas)
    assert joined == done["text"], "the deltas and the whole text must be blotted alike"
    return joined


def _anthropic(pieces: Sequence[str]) -> bytes:
    """The text as a tool's input, in the second content block, beside a text block."""
    fragments = _cut_like(json.dumps({"note": "".join(pieces)}), pieces)
    events: list[Any] = []
    for fragment in fragments:
        events.append({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "so "}})
        delta = {"type": "input_json_delta", "partial_json": fragment}
        events.append({"type": "content_block_delta", "index": 1, "delta": delta})
    return sse(events, end="\r\n")


def _read_anthropic(body: bytes) -> str:
    deltas = (event["delta"] for event in sse_events(body) if event["index"] == 1)
    return str(json.loads("".join(delta["partial_json"] for delta in deltas))["note"])


def _gemini(pieces: Sequence[str]) -> bytes:
    return sse([{"candidates": [{"content": {"parts": [{"text": piece}]}, "index": 0}]} for piece in pieces])


def _gemini_list(pieces: Sequence[str]) -> bytes:
    return json.dumps([{"candidates": [{"content": {"parts": [{"text": piece}]}}]} for piece in pieces]).encode()


def _read_gemini(events: Sequence[Any]) -> str:
    return "".join(event["candidates"][0]["content"]["parts"][0]["text"] for event in events)


def _converse(pieces: Sequence[str]) -> bytes:
    return b"".join(
        aws_message(
            "contentBlockDelta",
            json.dumps({"contentBlockIndex": 0, "delta": {"text": piece}, "p": "abcdefghi"}).encode(),
        )
        for piece in pieces
    )


def _invoke(pieces: Sequence[str]) -> bytes:
    """Bedrock's InvokeModelWithResponseStream: the model's own events, each as base64."""
    events = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces
    ]
    return b"".join(
        aws_message("chunk", json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode())
        for event in events
    )


def _read_invoke(body: bytes) -> str:
    events = [json.loads(base64.b64decode(payload["bytes"], validate=True)) for payload in aws_payloads(body)]
    return "".join(event["delta"]["text"] for event in events)


def _cut_like(text: str, pieces: Sequence[str]) -> list[str]:
    """`text` in as many pieces as `pieces`, cut where the lengths of `pieces` say, as near as can be."""
    cuts = [0]
    for piece in pieces[:-1]:
        cuts.append(min(len(text), cuts[-1] + len(piece) + (9 if len(cuts) == 1 else 0)))
    return [text[start:stop] for start, stop in zip(cuts, [*cuts[1:], len(text)], strict=True)]


STREAMS: tuple[Carrier, ...] = (
    Carrier("chat", "text/event-stream", _chat, _read_chat),
    Carrier("chat-tools", "text/event-stream; charset=utf-8", _chat_tools, _read_chat_tools),
    Carrier("responses", "text/event-stream", _responses, _read_responses),
    Carrier("anthropic", "text/event-stream", _anthropic, _read_anthropic),
    Carrier("gemini", "text/event-stream", _gemini, lambda body: _read_gemini(sse_events(body))),
    Carrier("gemini-list", "application/json", _gemini_list, lambda body: _read_gemini(json.loads(body))),
    Carrier(
        "converse",
        "application/vnd.amazon.eventstream",
        _converse,
        lambda body: "".join(payload["delta"]["text"] for payload in aws_payloads(body)),
    ),
    Carrier("invoke", "application/vnd.amazon.eventstream", _invoke, _read_invoke),
)
#: Each event has a number of its own: its texts may be pieces of one, or whole.
NUMBERED = Carrier(
    "numbered",
    "text/event-stream",
    lambda pieces: sse([{"index": at, "piece": {"id": at, "text": piece}} for at, piece in enumerate(pieces)]),
    lambda body: "".join(event["piece"]["text"] for event in sse_events(body)),
)

WHOLE: tuple[Carrier, ...] = (
    Carrier(
        "message",
        "application/json",
        lambda pieces: json.dumps({"messages": [{"role": "user", "content": "".join(pieces)}]}).encode(),
        lambda body: str(json.loads(body)["messages"][0]["content"]),
    ),
    Carrier(
        "escaped-message",
        "application/json",
        lambda pieces: (
            json.dumps({"content": f"é\t“{''.join(pieces)}”"}, ensure_ascii=False).replace("/", "\\/").encode()
        ),
        lambda body: str(json.loads(body)["content"]),
    ),
    Carrier(
        "tool-arguments",
        "application/json",
        lambda pieces: json.dumps({"function": {"arguments": json.dumps({"a": {"b": "".join(pieces)}})}}).encode(),
        lambda body: str(json.loads(json.loads(body)["function"]["arguments"])["a"]["b"]),
    ),
    Carrier(
        "error",
        "application/json",
        lambda pieces: json.dumps({"error": {"message": "".join(pieces), "code": "x"}}, indent=2).encode(),
        lambda body: str(json.loads(body)["error"]["message"]),
    ),
    Carrier(
        "unicode-escaped",
        "application/json",
        lambda pieces: (
            '{"text": "'
            + "".join(f"\\u{ord(c):04x}" if c.isalnum() else json.dumps(c)[1:-1] for c in "".join(pieces))
            + '"}'
        ).encode(),
        lambda body: str(json.loads(body)["text"]),
    ),
    Carrier(
        "base64",
        "application/json",
        lambda pieces: json.dumps({"data": base64.b64encode("".join(pieces).encode()).decode()}).encode(),
        lambda body: base64.b64decode(json.loads(body)["data"].replace("*", "")).decode("latin-1"),
    ),
    Carrier("plain", "text/plain", lambda pieces: "".join(pieces).encode(), lambda body: body.decode()),
    Carrier(
        "name",
        "application/json",
        lambda pieces: json.dumps({"headers": {"".join(pieces): 1}}).encode(),
        lambda body: next(iter(json.loads(body)["headers"])),
    ),
    Carrier(
        "sse-text",
        "text/event-stream",
        lambda pieces: (
            "".join(f"data: {line}\n" for line in "".join(pieces).split("\n")).replace("\r", "").encode() + b"\n"
        ),
        lambda body: "\n".join(line.removeprefix("data: ") for line in body.decode().split("\n")),
    ),
)
