"""Which secrets a file of a recording still holds.

A leak is what redaction would still change: the scan and the redactor share their rules, so that what a recording
keeps is clean to the scan, and what the scan finds a new recording will not hold. A foreign cassette has headers that
a recording would not keep; of these only the ones that carry credentials are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import RecordingError
from harness.recording.redact.bodies import redacted_body, redacted_field, redacted_json_lines, redacted_text
from harness.recording.redact.content_coding import opened, opened_request
from harness.recording.redact.search import Hit
from harness.recording.wire import Headers, Interaction


def leaks_in_interaction(interaction: Interaction) -> Iterator[Hit]:
    """Yield the secrets in a recorded request and its response: the rule, and where. Never their values."""
    request, response = interaction.request, interaction.response
    yield from _in_text("request.url", request.url)
    yield from _in_headers("request.headers", request.headers)
    try:
        plain_request = opened_request(request)
    except RecordingError:
        yield Hit("unreadable-body", "request.body")
    else:
        yield from _in_body("request.body", plain_request.body, _content_type(plain_request.headers))
    yield from _in_text("response.status.message", response.reason)
    yield from _in_headers("response.headers", response.headers)
    yield from _in_text("response.ended.error", response.ended.error or "")
    try:
        plain = opened(response)
    except RecordingError:
        yield Hit("unreadable-body", "response.body")
        return
    yield from _in_body("response.body", plain.body, _content_type(plain.headers))


def leaks_in_json(text: str) -> Iterator[Hit]:
    """Yield the secrets in a JSON file."""
    yield from _in_body("", text.encode(), "application/json")


def leaks_in_json_lines(text: str) -> Iterator[Hit]:
    """Yield the secrets in a file of JSON lines, such as frames, their deltas put together."""
    yield from redacted_json_lines(text)[1]


def leaks_in_text(text: str) -> Iterator[Hit]:
    """Yield the secrets in any other text, such as the name of a file."""
    yield from redacted_text(text)[1]


def _in_text(where: str, text: str) -> Iterator[Hit]:
    yield from (Hit(hit.rule, _place(where, hit.where)) for hit in redacted_text(text)[1])


def _in_body(where: str, body: bytes, content_type: str) -> Iterator[Hit]:
    yield from (Hit(hit.rule, _place(where, hit.where)) for hit in redacted_body(body, content_type)[1])


def _in_headers(where: str, headers: Headers) -> Iterator[Hit]:
    for name, value in headers:
        place = f"{where}.{name}"
        yield from (Hit(hit.rule, _place(place, hit.where)) for hit in redacted_field(name, value)[1])


def _place(where: str, path: str) -> str:
    return f"{where}: {path}" if where and path else where or path


def _content_type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")
