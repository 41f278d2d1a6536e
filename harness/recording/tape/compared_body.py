"""What of a request's body is compared: a JSON value, the parts of a multipart body, or the bytes.

A multipart body is compared by its parts, since a client makes up a boundary for each request (RFC 2046, 5.1.1).
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Any, Final

import orjson

from harness.recording.wire import WireRequest

_JSON_STARTS: Final = (b"{", b"[")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
#: A body that begins so is multipart where no header says otherwise: recorders of others drop headers.
_FIRST_LINE: Final = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{1,70})\r\n[A-Za-z-]+:")


def compared_body(request: WireRequest) -> Any:
    """Return the JSON value of the body, its parts as one, or the bytes themselves where it is neither."""
    if request.body[:1] in _JSON_STARTS:
        return json_or_bytes(request.body)
    boundary = _boundary(request)
    if boundary is not None and (parts := _parts(request.body, boundary)):
        return parts
    return json_or_bytes(request.body)


def canonical(value: Any) -> bytes | None:
    """Return bytes that are the same for equal values, whatever the order of keys; None where it is nested too deep."""
    if isinstance(value, bytes):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # deeper than orjson writes, though it read it
        return None


def json_or_bytes(body: bytes) -> Any:
    """Return the JSON value of `body`, or `body` itself where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


def _boundary(request: WireRequest) -> bytes | None:
    named = next((value for name, value in request.headers if name.lower() == "content-type"), None)
    if named is None:
        found = _FIRST_LINE.match(request.body)
        return found[1] if found else None
    if not named.lower().startswith("multipart/"):
        return None
    boundary = _header(named).get_param("boundary", header="content-type")
    return boundary.encode("latin-1", "replace") if isinstance(boundary, str) else None


def _parts(body: bytes, boundary: bytes) -> list[dict[str, Any]]:
    """Return the parts in their order; none where the body is not what its header says."""
    # Line by line, so that a boundary inside a part is none.
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?:\r?\n|\Z)", body)
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> dict[str, Any]:
    head, _, content = (b"", b"", piece.removeprefix(b"\r\n"))
    if (end := _HEAD_END.search(piece)) is not None:
        head, content = piece[: end.start()], piece[end.end() :]
    fields = {}
    for line in head.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    # What a part is, each says by itself; its length, only some clients.
    fields.pop("content-length", None)
    value = json_or_bytes(content)
    # Latin-1 keeps bytes apart that are no text.
    return {**fields, "content": value.decode("latin-1") if isinstance(value, bytes) else value}


def _header(content_type: str) -> Message:
    message = Message()
    message["content-type"] = content_type
    return message
