"""The events of a streamed body, as far as they came whole: read by hand, so that no decoder is asked about itself."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from conformance.wire.answer import MalformedError

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_PRELUDE = 12
_STRING = 7


def sse_events(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name (or "") and the data of each server-sent event that has any.

    WHATWG HTML, "Interpreting an event stream", read 2026-11.
    """
    *events, _ = _BLANK_LINE.split(body)
    for event in events:
        name, found = "", []
        for line in event.splitlines():
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"event":
                name = value.decode("utf-8", "replace")
            elif field == b"data":
                found.append(value)
        if found:
            yield name, b"\n".join(found)


def aws_messages(body: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield the string headers and the payload of each message of an AWS event stream.

    https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, "Event stream encoding" (2026-11).

    Raises:
        MalformedError: a checksum is not that of its bytes.
    """
    while len(body) >= _PRELUDE:
        total, header_length = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        if zlib.crc32(body[:8]) != int.from_bytes(body[8:12], "big"):
            raise MalformedError("the checksum of a prelude is wrong")
        if len(body) < total:
            return
        if zlib.crc32(body[: total - 4]) != int.from_bytes(body[total - 4 : total], "big"):
            raise MalformedError("the checksum of a message is wrong")
        start = _PRELUDE + header_length
        yield dict(_headers(body[_PRELUDE:start])), body[start : total - 4]
        body = body[total:]


def _headers(fields: bytes) -> Iterator[tuple[str, str]]:
    while fields:
        named = 1 + fields[0]
        name, kind = fields[1:named].decode(), fields[named]
        if kind != _STRING:
            raise MalformedError(f"a header of type {kind}, which this wire format does not use")
        end = named + 3 + int.from_bytes(fields[named + 1 : named + 3], "big")
        yield name, fields[named + 3 : end].decode()
        fields = fields[end:]
