"""Which header fields a recording keeps: allow-lists, so that a credential nobody thought of is never written."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from harness.providers.registry import providers
from harness.recording.wire import Headers

#: What decides how a request is understood, whoever it is for. Credentials, cookies and the client's own fingerprint
#: are not among it.
_OF_REQUESTS: Final = ("accept", "content-encoding", "content-type")
#: What decides how a response body is decoded, retried, rate-limited or reported, whoever it is from.
_OF_RESPONSES: Final = (
    "content-encoding",
    "content-language",
    "content-type",
    "location",
    "ratelimit-",
    "retry-after",
    "retry-after-ms",
    "x-ratelimit-",
    "x-should-retry",
)
#: What names the request in a provider's logs, by the end of its name: `request-id`, `x-request-id` and its like.
_REQUEST_ID: Final = "request-id"


def kept_request_headers(headers: Headers) -> Headers:
    """Return the request headers that a recording keeps, in order."""
    kept = _kept_of_requests()
    return tuple((name, value) for name, value in headers if kept.has(name))


def kept_response_headers(headers: Headers) -> Headers:
    """Return the response headers that a recording keeps, in order."""
    kept = _kept_of_responses()
    return tuple((name, value) for name, value in headers if kept.has(name) or name.lower().endswith(_REQUEST_ID))


class _HeaderNames:
    """Names of header fields; one that ends with `-` stands for all that begin so."""

    def __init__(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self._whole = frozenset(names)
        self._beginnings = tuple(name for name in names if name.endswith("-"))

    def has(self, name: str) -> bool:
        lower = name.lower()
        return lower in self._whole or lower.startswith(self._beginnings)


@cache
def _kept_of_requests() -> _HeaderNames:
    return _HeaderNames((*_OF_REQUESTS, *(name for row in providers() for name in row.request_headers)))


@cache
def _kept_of_responses() -> _HeaderNames:
    return _HeaderNames((*_OF_RESPONSES, *(name for row in providers() for name in row.response_headers)))
