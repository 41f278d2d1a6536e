"""AWS event-stream messages: where their payloads stand, and their checksums.

A message is its total length, the length of its headers and a CRC of these eight bytes; the headers; the payload; a
CRC of all before it. Lengths and CRCs are big-endian, the CRC is CRC-32
(https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, "Event stream encoding", read 2025-11).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from msgspec import Struct

from harness.recording.boundaries import pieces

MEDIA_TYPE = "application/vnd.amazon.eventstream"

_PRELUDE = 12
_CRC = 4


class EventMessage(Struct, frozen=True):
    """Where one message stands in a body. A torn one ends with the body and has no checksum."""

    start: int
    headers: int
    payload: int
    #: Where the payload ends and the checksum, if there is one, begins.
    checksum: int
    stop: int


def messages(body: bytes) -> Iterator[EventMessage]:
    """Yield the messages of `body` in order, then what is left as a torn one."""
    start = 0
    for length in pieces(MEDIA_TYPE, body):
        stop = start + length
        whole = int.from_bytes(body[start : start + 4], "big") == length > _PRELUDE + _CRC
        checksum = stop - _CRC if whole else stop
        headers = min(start + _PRELUDE, checksum)
        payload = min(headers + int.from_bytes(body[start + 4 : start + 8], "big"), checksum)
        yield EventMessage(start, headers, payload, checksum, stop)
        start = stop


def resealed(original: bytes, edited: bytes) -> bytes:
    """Return `edited`, as long as `original` and with the same message lengths, with the CRCs its content asks for.

    A message whose CRC was wrong in `original` keeps it: a damaged recording stays as damaged as it was.
    """
    result = bytearray(edited)
    for message in messages(original):
        content, checksum = slice(message.start, message.checksum), slice(message.checksum, message.stop)
        if original[checksum] == _crc(original[content]):
            result[checksum] = _crc(edited[content])
    return bytes(result)


def _crc(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(_CRC, "big")
