"""Bedrock's InvokeModel, as far as a body is of Anthropic's form: each maker's models have their own.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html (read 2026-11).
"""

from __future__ import annotations

import base64

from conformance.wire import anthropic
from conformance.wire.answer import MalformedError, Reading, json_object
from conformance.wire.events import aws_messages


def read_stream(body: bytes, reading: Reading) -> None:
    found: list[bytes] = []
    try:
        for headers, payload in aws_messages(body):
            if headers.get(":message-type") != "event":
                reading.failed = True
                break
            found.append(b"data: " + base64.b64decode(json_object(payload)["bytes"]) + b"\n\n")
    except MalformedError:
        reading.failed = True
    anthropic.read_stream(b"".join(found), reading)


read_plain = anthropic.read_plain
