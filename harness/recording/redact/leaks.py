"""Which secrets a file of a recording still holds.

A leak is what redaction would still change: the scan and the redactor share their rules, so that what a recording
keeps is clean to the scan, and what the scan finds a new recording will not hold. A foreign cassette has headers that
a recording would not keep; of these only the ones that carry credentials are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from harness.errors import RecordingError
from harness.recording.redact.bodies import redacted_body, redacted_field, redacted_json_lines, redacted_text
from harness.recording.redact.content_coding import opened, opened_request
from harness.recording.redact.search import Hit
from harness.recording.wire import Headers, Interaction, WireRequest, WireResponse, header_of


def leaks_in_interaction(interaction: Interaction) -> Iterator[Hit]:
    """Yield the secrets in a recorded request and its response: the rule, and where. Never their values."""
    request, response = interaction.request, interaction.response
    yield from _within("request.url", redacted_text(request.url)[1])
    yield from _in_headers("request.headers", request.headers)
    yield from _in_body("request.body", lambda: opened_request(request))
    yield from _within("response.status.message", redacted_text(response.reason)[1])
    yield from _in_headers("response.headers", response.headers)
    yield from _within("response.ended.error", redacted_text(response.ended.error or "")[1])
    yield from _in_body("response.body", lambda: opened(response))


def leaks_in_json(text: str) -> Iterator[Hit]:
    """Yield the secrets in a JSON file."""
    yield from redacted_body(text.encode(), "application/json")[1]


def leaks_in_json_lines(text: str) -> Iterator[Hit]:
    """Yield the secrets in a file of JSON lines, such as frames, their deltas put together."""
    yield from redacted_json_lines(text)[1]


def leaks_in_text(text: str) -> Iterator[Hit]:
    """Yield the secrets in any other text, such as the name of a file."""
    yield from redacted_text(text)[1]


def _in_headers(where: str, headers: Headers) -> Iterator[Hit]:
    for name, value in headers:
        yield from _within(f"{where}.{name}", redacted_field(name, value)[1])


def _in_body(where: str, opening: Callable[[], WireRequest | WireResponse]) -> Iterator[Hit]:
    try:
        plain = opening()
    except RecordingError:
        yield Hit("unreadable-body", where)
    else:
        yield from _within(where, redacted_body(plain.body, header_of(plain.headers, "content-type") or "")[1])


def _within(where: str, hits: Iterable[Hit]) -> Iterator[Hit]:
    yield from (Hit(hit.rule, f"{where}: {hit.where}" if hit.where else where) for hit in hits)
