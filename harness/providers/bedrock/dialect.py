"""Bedrock's wire format: AWS event streams, how Converse ends them, and how it tells of an error.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html;
https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, "Event stream encoding" (2026-11).
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from harness.providers.shared.dialect import Dialect, Framing

#: Prelude (total length, headers length, CRC) and the message's own CRC.
_SMALLEST_MESSAGE: Final = 16


def _message_ends(body: bytes) -> Iterator[int]:
    """Yield where each whole message ends; stop at the first length that can't be one."""
    start = 0
    while start < len(body):
        end = start + int.from_bytes(body[start : start + 4], "big")
        if end < start + _SMALLEST_MESSAGE or end > len(body):
            return
        yield end
        start = end


def aws_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one event-stream message with string headers and right CRCs."""
    fields = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for name, value in headers.items()
    )
    lengths = (16 + len(fields) + len(payload)).to_bytes(4, "big") + len(fields).to_bytes(4, "big")
    content = lengths + zlib.crc32(lengths).to_bytes(4, "big") + fields + payload
    return content + zlib.crc32(content).to_bytes(4, "big")


def _event(_: int, word: str, message: str) -> bytes:
    # Inside a stream the exception has the name of its member: internalServerException.
    kind = word[0].lower() + word[1:]
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return aws_message(headers, json.dumps({"message": message}).encode())


AWS_EVENT_STREAM: Final = Framing("application/vnd.amazon.eventstream", _message_ends, checked=True)
CONVERSE: Final = Dialect(
    "bedrock",
    re.compile(rb':event-type\x07(?!\x00\x05chunk)|"output": ?\{"message":'),
    {429: "ThrottlingException", 500: "InternalServerException"},
    lambda *error: {"message": error[2]},
    _event,
    framing=AWS_EVENT_STREAM,
    # The header `:event-type`: its name's length and name, type 7 (string), the value's length in two bytes, the value.
    # ConverseStream sends `metadata` last.
    end_mark=re.compile(rb"\x0b:event-type\x07\x00\x08metadata"),
    last_words=re.compile(rb"\x0b:event-type\x07\x00\x0bmessageStop"),
    ends=2,
    error_header="x-amzn-errortype",
)


def _in_base64(text: bytes) -> bytes:
    """Return a pattern of what base64 makes of a text, wherever it stands in what is encoded."""
    # Of each three bytes come four characters; those that hold a neighbour's bits are left out.
    found = []
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + text)
        found.append(re.escape(whole[-(-before * 8 // 6) : (before + len(text)) * 8 // 6]))
    return b"|".join(found)


#: InvokeModelWithResponseStream, which holds each model's own events in chunks. The last tells what the call has taken.
INVOKE: Final = replace(
    CONVERSE,
    name="bedrock-invoke",
    mark=re.compile(rb":event-type\x07\x00\x05chunk"),
    end_mark=re.compile(_in_base64(b"amazon-bedrock-invocationMetrics")),
    last_words=None,
    ends=1,
)
