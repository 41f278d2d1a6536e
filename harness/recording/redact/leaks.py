"""Which secrets a file of a recording still holds.

A leak is what redaction would still change: the scan and the redactor share their rules, so that what a recording
keeps is clean to the scan, and what the scan finds a new recording will not hold. A foreign cassette has headers that
a recording would not keep; of these only the ones that carry credentials are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.errors import RecordingError
from harness.recording.redact.bodies import redacted_body, redacted_json_lines, redacted_text
from harness.recording.redact.content_coding import opened
from harness.recording.redact.names import is_secret_name
from harness.recording.redact.passage import FILLER
from harness.recording.redact.search import Hit
from harness.recording.redact.second_opinion import second_opinion
from harness.recording.wire import Headers, Interaction

#: Words of which people make the values that they put in a credential's place.
_PLACEHOLDER_WORDS = frozenset(
    (
        *("api", "auth", "authorization", "basic", "bearer", "cookie", "dummy", "example", "fake", "filtered"),
        *("hidden", "key", "masked", "mock", "my", "none", "null", "placeholder", "redacted", "removed", "sample"),
        *("scrubbed", "secret", "set", "sk", "test", "token", "your"),
    )
)
_WORD = re.compile(r"[A-Za-z0-9]+")
_MASK = re.compile(rf"(?:[xX]{{2,}}|[{FILLER}.0_-]+)")


def leaks_in_interaction(interaction: Interaction) -> Iterator[Hit]:
    """Yield the secrets in a recorded request and its response: the rule, and where. Never their values."""
    request, response = interaction.request, interaction.response
    yield from _in_text("request.url", request.url)
    yield from _in_headers("request.headers", request.headers)
    yield from _in_body("request.body", request.body, _content_type(request.headers))
    yield from _in_headers("response.headers", response.headers)
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
    redacted, hits = redacted_json_lines(text)
    yield from hits
    yield from _second(redacted, "")


def _in_text(where: str, text: str) -> Iterator[Hit]:
    redacted, hits = redacted_text(text)
    yield from (Hit(hit.rule, _place(where, hit.where)) for hit in hits)
    yield from _second(redacted, where)


def _in_body(where: str, body: bytes, content_type: str) -> Iterator[Hit]:
    redacted, hits = redacted_body(body, content_type)
    yield from (Hit(hit.rule, _place(where, hit.where)) for hit in hits)
    yield from _second(redacted.decode("latin-1"), where)


def _in_headers(where: str, headers: Headers) -> Iterator[Hit]:
    for name, value in headers:
        if is_secret_name(name):
            if not _is_placeholder(value):
                yield Hit("credential-header", f"{where}.{name}")
        else:
            yield from _in_text(f"{where}.{name}", value)


def _second(redacted: str, where: str) -> Iterator[Hit]:
    """What is left for another's rules when ours have had their way, so that nothing is told twice."""
    yield from (Hit(kind, where) for kind in second_opinion(redacted))


def _is_placeholder(value: str) -> bool:
    """Whether `value` is what people write where a credential was."""
    return all(word.lower() in _PLACEHOLDER_WORDS or _MASK.fullmatch(word) for word in _WORD.findall(value))


def _place(where: str, path: str) -> str:
    return f"{where}: {path}" if where and path else where or path


def _content_type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")
