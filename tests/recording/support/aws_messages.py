"""AWS event-stream messages, built by hand.

Source: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html: total length, headers length, CRC of both,
headers, payload, CRC of all; a header is its name's length and name, type 7 for a string, its length and text.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any


def converse_message(event: str, payload: dict[str, Any]) -> bytes:
    """Return one event of a ConverseStream."""
    fields = {":event-type": event, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(_header(name, value) for name, value in fields.items())
    content = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(content), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + content
    return message + struct.pack("!I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
