"""A cassette file as interactions: ours, and what vcrpy of any recent version wrote.

Strict: what can't be read whole is an error that says where and why, and is never taken for empty. What vcrpy has no
place for, our chunk marks, ending and scope, is optional: a plain cassette gets one chunk per streamed event.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from harness.errors import RecordingError
from harness.recording.boundaries import chunks_of
from harness.recording.files.bounds import LATEST_MS, MOST_DIGITS, whole_number
from harness.recording.files.cassette_document import (
    cassette_content,
    cassette_name,
    entries_of,
    kind_of,
    shown,
    unreadable,
)
from harness.recording.files.written_bodies import has_values, with_bodies
from harness.recording.redact import content_coding
from harness.recording.wire import Chunk, Ending, Headers, How, Interaction, WireRequest, WireResponse, header_of

#: Where an interaction begins in a file written by us, or by vcrpy: a list item in the first column.
_INTERACTION_START = re.compile(rb"^-(?: |\Z)", re.MULTILINE)

#: The statuses that HTTP has room for (RFC 9110, 15); 0 is where none came. A torn file may end within one.
_STATUSES = frozenset({0, *range(100, 1000)})


def read_cassette(path: Path, *, allow_torn_tail: bool = False) -> tuple[Interaction, ...]:
    """Return the interactions of the cassette at `path`, in order.

    With `allow_torn_tail` a last interaction that was not written whole, as a killed process leaves it, is left out.

    Raises:
        UnreadableRecordingError: the file is missing, empty, torn, no cassette, or of a later version.
        RecordingError: chunk marks do not add up to their body.
    """
    name = cassette_name(path)
    content = cassette_content(path)
    try:
        return _interactions(content, name)
    except RecordingError:
        if not allow_torn_tail:
            raise
        starts = [match.start() for match in _INTERACTION_START.finditer(content)]
        before = content[: starts[-1]] if starts else content
        # `interactions:` with nothing below it would be null.
        return _interactions(before if len(starts) > 1 else before + b" []", name)


def read_each(path: Path) -> tuple[Interaction | RecordingError, ...]:
    """Return the interactions of the cassette at `path`, in order; in place of one that can't be read, the error.

    Raises:
        UnreadableRecordingError: the file as a whole can't be read.
    """
    return tuple(_each(cassette_content(path), cassette_name(path)))


def _interactions(content: bytes, name: str) -> tuple[Interaction, ...]:
    interactions = []
    for entry in _each(content, name):
        if isinstance(entry, RecordingError):
            raise entry
        interactions.append(entry)
    return tuple(interactions)


def _each(content: bytes, name: str) -> Iterator[Interaction | RecordingError]:
    shape = _Shape(name)
    typed: list[Any] | None = None
    for index, written in enumerate(entries_of(content, name)):
        entry = written
        try:
            if has_values(written):
                # Only these bodies need to know which of their scalars are numbers.
                typed = typed or entries_of(content, name, typed=True)
                entry = shape.with_bodies(written, typed[index], f"interactions[{index}]")
            yield _interaction(shape, entry, f"interactions[{index}]")
        except RecordingError as error:
            yield error


def _interaction(shape: _Shape, entry: Any, where: str) -> Interaction:
    parts = shape.mapping(entry, where)
    request = shape.mapping(shape.get(parts, "request", where), f"{where}.request")
    response = shape.mapping(shape.get(parts, "response", where), f"{where}.response")
    found = Interaction(
        _request(shape, request, f"{where}.request"),
        _response(shape, response, f"{where}.response"),
    )
    for side, part in (("request", found.request), ("response", found.response)):
        if content_coding.is_bomb(part.headers, part.body):
            most = f"{content_coding.LARGEST // 2**20} MiB"
            raise unreadable(shape.name, f"{where}.{side}.body unpacks to more than {most}", "less than that")
    return found


def _request(shape: _Shape, parts: dict[str, Any], where: str) -> WireRequest:
    return WireRequest(
        method=shape.text(shape.get(parts, "method", where), f"{where}.method").upper(),
        url=shape.url(shape.get(parts, "uri", where), f"{where}.uri"),
        headers=shape.headers(parts.get("headers"), f"{where}.headers"),
        body=shape.body(parts.get("body"), f"{where}.body"),
    )


def _response(shape: _Shape, parts: dict[str, Any], where: str) -> WireResponse:
    headers = shape.headers(parts.get("headers"), f"{where}.headers")
    # vcrpy's httpx recordings of before 2024 have these two keys in place of `status` and `body`.
    if "status_code" in parts:
        status, reason = shape.code(parts["status_code"], f"{where}.status_code"), ""
        body_parts: Any = shape.get(parts, "content" if "content" in parts else "body", where)
    else:
        status, reason = shape.status(shape.get(parts, "status", where), f"{where}.status")
        body_parts = shape.get(parts, "body", where)
    marks = body_parts.get("chunks") if isinstance(body_parts, dict) else None
    body = shape.body(body_parts, f"{where}.body")
    if marks is None and "ended" in parts:
        # Written by us, so that a body without marks was cut off before them.
        raise unreadable(shape.name, f"{where}.body.chunks is missing", "chunk marks beside 'ended'")
    content_type = header_of(headers, "content-type") or ""
    chunks = chunks_of(content_type, body) if marks is None else _marked(shape, marks, body, f"{where}.body.chunks")
    return WireResponse(
        status=status,
        reason=reason,
        headers=headers,
        body=body,
        chunks=chunks,
        ended=_ending(shape, parts.get("ended"), chunks, "complete" if status else "no-response", f"{where}.ended"),
        scope=tuple(
            shape.text(part, f"{where}.scope") for part in shape.sequence(parts.get("scope", []), f"{where}.scope")
        ),
    )


def _marked(shape: _Shape, marks: Any, body: bytes, where: str) -> tuple[Chunk, ...]:
    chunks: list[Chunk] = []
    end = 0
    for index, mark in enumerate(shape.sequence(marks, where)):
        spot = f"{where}[{index}]"
        numbers = shape.sequence(mark, spot)
        if len(numbers) != 3:
            raise unreadable(shape.name, f"{spot} is a list of {len(numbers)}", "[offset, length, at_ms]")
        chunk = Chunk(shape.whole(numbers[0], spot), shape.whole(numbers[1], spot), shape.moment(numbers[2], spot))
        if chunk.offset != end:
            raise _edited(shape.name, spot, f"starts at {chunk.offset}, but the one before it ends at {end}")
        end += chunk.length
        chunks.append(chunk)
    if end != len(body):
        raise _edited(shape.name, where, f"add up to {end} bytes, but the body has {len(body)}")
    return tuple(chunks)


def _ending(shape: _Shape, value: Any, chunks: tuple[Chunk, ...], unsaid: How, where: str) -> Ending:
    if value is None:
        return Ending(unsaid, None, chunks[-1].at_ms if chunks else 0.0)
    parts = shape.mapping(value, where)
    how = shape.text(shape.get(parts, "how", where), f"{where}.how")
    for known in get_args(How):
        if how == known:
            error = parts.get("error")
            return Ending(
                # Without a status nothing came, whatever an edit says.
                unsaid if known == "complete" else known,
                None if error is None else shape.text(error, f"{where}.error"),
                shape.moment(shape.get(parts, "at_ms", where), f"{where}.at_ms"),
            )
    raise unreadable(shape.name, f"{where}.how is {shown(how)}", f"one of {', '.join(get_args(How))}")


class _Shape:
    """Says what a value of one cassette has to be, and refuses what it is not."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, parts: dict[str, Any], key: str, where: str) -> Any:
        if key not in parts:
            raise unreadable(self.name, f"{where}.{key} is missing", "request and response with all their parts")
        return parts[key]

    def mapping(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise unreadable(self.name, f"{where} is {kind_of(value)}", "a mapping")
        return value

    def sequence(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise unreadable(self.name, f"{where} is {kind_of(value)}", "a list")
        return value

    def text(self, value: Any, where: str) -> str:
        # vcrpy writes the headers that botocore sends, which are bytes, as !!binary.
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if not isinstance(value, str):
            raise unreadable(self.name, f"{where} is {kind_of(value)}", "text")
        return value

    def url(self, value: Any, where: str) -> str:
        text = self.text(value, where)
        try:
            # A port is looked at when it is asked for.
            urlsplit(text).port  # noqa: B018
        except ValueError as error:
            # What stands before an `@` is a login, and what an error quotes may be a part of one.
            reason = re.sub("'.*'", "…", str(error))
            raise unreadable(
                self.name, f"{where} is {shown(re.sub('//.*@', '//', text))} ({reason})", "a URL"
            ) from error
        return text

    def content(self, value: Any, where: str) -> bytes:
        if value is None:
            return b""
        if isinstance(value, bytes):
            return value
        try:
            return self.text(value, where).encode()
        except UnicodeEncodeError as error:
            raise unreadable(self.name, f"{where} holds half of a character", "whole characters") from error

    def body(self, value: Any, where: str) -> bytes:
        if isinstance(value, dict):
            return self._packed(value, where)
        return self.content(value, where)

    def _packed(self, parts: dict[str, Any], where: str) -> bytes:
        key, read = ("base64_string", self._decoded) if "base64_string" in parts else ("string", self.content)
        pieces = self.get(parts, key, where)
        # Some write the chunks that came.
        each = pieces if isinstance(pieces, list) else [pieces]
        return b"".join(read(piece, f"{where}.{key}") for piece in each)

    def _decoded(self, value: Any, where: str) -> bytes:
        try:
            # Ruby's VCR breaks it into lines.
            return base64.b64decode("".join(self.text(value, where).split()), validate=True)
        except ValueError as error:
            raise unreadable(self.name, f"{where} is no base64", "bytes as base64") from error

    def status(self, value: Any, where: str) -> tuple[int, str]:
        if not isinstance(value, dict):
            return self.code(value, where), ""
        key = "status_code" if "status_code" in value else "code"  # R's vcr before 2.0
        code = self.code(self.get(value, key, where), f"{where}.{key}")
        return code, self.text(value.get("message") or "", f"{where}.message")

    def with_bodies(self, entry: Any, typed: Any, where: str) -> Any:
        try:
            return with_bodies(entry, typed)
        except (TypeError, ValueError) as error:
            raise unreadable(
                self.name, f"{where} has a body that is no JSON ({error})", "what JSON has room for"
            ) from error

    def code(self, value: Any, where: str) -> int:
        number = whole_number(value)
        if number is None or number not in _STATUSES:
            expected = "a status from 100 to 999, or 0 where none came"
            raise unreadable(self.name, f"{where} is {shown(value)}", expected)
        return number

    def whole(self, value: Any, where: str) -> int:
        # In JSON a number is one already.
        number = whole_number(value)
        if number is None:
            expected = f"a whole number of at most {MOST_DIGITS} digits"
            raise unreadable(self.name, f"{where} is {shown(value)}", expected)
        return number

    def moment(self, value: Any, where: str) -> float:
        """Return milliseconds since a request."""
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        # NaN is in no range.
        if not 0 <= number <= LATEST_MS:
            raise unreadable(self.name, f"{where} is {shown(value)}", f"milliseconds from 0 to {LATEST_MS:.0f}, a week")
        return number

    def headers(self, value: Any, where: str) -> Headers:
        if isinstance(value, list):
            pairs = [self.sequence(pair, f"{where}[{place}]") for place, pair in enumerate(value)]
            return tuple(
                (self.text(pair[0], where), self.text(pair[-1], where))
                for pair in pairs
                if pair and pair[-1] is not None
            )
        fields: list[tuple[str, str]] = []
        for key, values in self.mapping({} if value is None else value, where).items():
            for item in values if isinstance(values, list) else (values,):
                # Null stands for a field that was not there, or was taken out.
                if item is not None:
                    fields.append((key, item if type(item) is str else self.text(item, f"{where}.{key}")))
        return tuple(fields)


def _edited(name: str, where: str, problem: str) -> RecordingError:
    return RecordingError(
        f"cassette '{name}': {where} {problem}: the body or its chunk marks were edited; "
        "restore the file, or record it again"
    )
