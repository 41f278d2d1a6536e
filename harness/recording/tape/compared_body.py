"""What of a request's body is compared: a JSON value, the parts of a multipart body, or the bytes; of credentials, their place.

A multipart body is compared by its parts, since a client makes up a boundary for each request (RFC 2046, 5.1.1).
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Any, Final

import orjson

from harness.recording.boundaries import media_type
from harness.recording.tape.compared_credentials import compared_bytes, compared_field, compared_form, compared_json
from harness.recording.wire import WireRequest

_JSON_STARTS: Final = (b"{", b"[")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
#: A body that begins so is multipart where no header says otherwise: recorders of others drop headers.
_FIRST_LINE: Final = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{1,70})\r\n[A-Za-z-]+:")

#: So many multipart bodies in one another are compared by their parts.
_DEEPEST: Final = 10

_DISPOSITION: Final = "content-disposition"
_FORM: Final = "application/x-www-form-urlencoded"
#: The same for a form.
_FORM_START: Final = re.compile(rb"[A-Za-z0-9_.%*-]{1,100}=[^\s{}\"]*+\Z")


def compared_body(request: WireRequest, own: frozenset[str] = frozenset()) -> Any:
    """Return the JSON value of the body, its parts as one, or the bytes themselves where it is neither.

    `own` are the secret names of a project.
    """
    found = _read(request, own)
    if not isinstance(found, bytes):
        return compared_json(found, own)
    return compared_form(found, own) if _is_form(request) else compared_bytes(found)


def _read(request: WireRequest, own: frozenset[str]) -> Any:
    if request.body[:1] in _JSON_STARTS:
        return json_or_bytes(request.body)
    boundary = _boundary(request)
    if boundary is not None and (parts := _parts(request.body, boundary, own)):
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


def _is_form(request: WireRequest) -> bool:
    named = _content_type(request)
    return _FORM_START.match(request.body) is not None if named is None else media_type(named) == _FORM


def _content_type(request: WireRequest) -> str | None:
    return next((value for name, value in request.headers if name.lower() == "content-type"), None)


def _boundary(request: WireRequest) -> bytes | None:
    named = _content_type(request)
    if named is None:
        found = _FIRST_LINE.match(request.body)
        return found[1] if found else None
    return _named_boundary(named)


def _named_boundary(content_type: str) -> bytes | None:
    if not content_type.lower().startswith("multipart/"):
        return None
    boundary = _header(content_type).get_param("boundary", header="content-type")
    return boundary.encode("latin-1", "replace") if isinstance(boundary, str) else None


def _parts(body: bytes, boundary: bytes, own: frozenset[str], depth: int = 1) -> list[dict[str, Any]]:
    """Return the parts in their order; none where the body is not what its header says."""
    # Line by line, so that a boundary inside a part is none.
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?:\r?\n|\Z)", body)
    return [_part(piece, own, depth) for piece in pieces[1:-1]]


def _part(piece: bytes, own: frozenset[str], depth: int) -> dict[str, Any]:
    head, _, content = (b"", b"", piece.removeprefix(b"\r\n"))
    if (end := _HEAD_END.search(piece)) is not None:
        head, content = piece[: end.start()], piece[end.end() :]
    fields = {}
    for line in head.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    # What a part is, each says by itself; its length, only some clients.
    fields.pop("content-length", None)
    named = fields.get("content-type", "")
    inner = _named_boundary(named) if depth < _DEEPEST else None
    if inner is not None and (parts := _parts(content, inner, own, depth + 1)):
        return {**fields, "content-type": media_type(named), "content": parts}
    value = json_or_bytes(content)
    if isinstance(value, bytes):
        text = compared_field(_name_of(fields), value.decode("utf-8", "surrogateescape"), own)
        # Latin-1 keeps bytes apart that are no text.
        value = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return {**fields, "content": value}


def _name_of(fields: dict[str, str]) -> str:
    name = _header(fields.get(_DISPOSITION, ""), _DISPOSITION).get_param("name", header=_DISPOSITION)
    return name if isinstance(name, str) else ""


def _header(value: str, name: str = "content-type") -> Message:
    message = Message()
    message[name] = value
    return message
