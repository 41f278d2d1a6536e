"""Which header fields a recording keeps: allow-lists, so that a credential nobody thought of is never written.

A project adds to them: `keep_headers` in `[tool.harness]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from harness.providers.registry import providers
from harness.recording.settings import Settings, current_settings
from harness.recording.wire import Headers

#: What decides how a request is understood, whoever it is for. Credentials, cookies and the client's own fingerprint
#: are not among it.
_OF_REQUESTS: Final = ("accept", "content-encoding", "content-type")
#: What decides how a response is decoded, paged, resumed, retried, rate-limited or reported, whoever it is from.
_OF_RESPONSES: Final = (
    "accept-ranges",
    "allow",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "deprecation",
    "etag",
    "last-modified",
    "link",
    "location",
    # A client that was given one reads a stream beside, and ends it.
    "mcp-session-id",
    "operation-location",
    "ratelimit",
    "ratelimit-",
    "retry-after",
    "retry-after-ms",
    "sunset",
    # A challenge: a client answers it with a header that is not kept.
    "www-authenticate",
    # Of S3: what a user has put there, and where to go instead.
    "x-amz-bucket-region",
    "x-amz-meta-",
    "x-amz-version-id",
    # Without it, Elasticsearch's client takes a server for another.
    "x-elastic-product",
    # What Hugging Face's client asks of each file, and by which it tells errors apart.
    "x-error-code",
    "x-error-message",
    "x-linked-etag",
    "x-linked-size",
    "x-repo-commit",
    # Google's uploads.
    "x-goog-upload-",
    # Of Azure: where to go on, what went wrong, and what a user has put there.
    "x-ms-continuation",
    "x-ms-continuationtoken",
    "x-ms-error-code",
    "x-ms-meta-",
    "x-next-page",
    "x-page-",
    "x-rate-limit-",
    "x-ratelimit-",
    "x-should-retry",
    "x-total-count",
)
#: What names the request in a provider's logs, by the end of its name: `request-id`, `x-request-id` and its like.
_REQUEST_ID: Final = "request-id"


def kept_request_headers(headers: Headers, settings: Settings | None = None) -> Headers:
    """Return the request headers that a recording keeps, in order; `settings` are those of the current project, or these."""
    settings = settings or current_settings()
    names = _kept_of_requests((*settings.keep_headers, *settings.match_headers))
    return tuple((name, value) for name, value in headers if names.has(name))


def kept_response_headers(headers: Headers, settings: Settings | None = None) -> Headers:
    """Return the response headers that a recording keeps, in order; `settings` as for requests."""
    names = _kept_of_responses((settings or current_settings()).keep_headers)
    return tuple((name, value) for name, value in headers if names.has(name) or name.lower().endswith(_REQUEST_ID))


class _HeaderNames:
    """Names of header fields; one that ends with `-` stands for all that begin so."""

    def __init__(self, names: Iterable[str]) -> None:
        names = tuple(name.lower() for name in names)
        self._whole = frozenset(names)
        self._beginnings = tuple(name for name in names if name.endswith("-"))

    def has(self, name: str) -> bool:
        lower = name.lower()
        return lower in self._whole or lower.startswith(self._beginnings)


@cache
def _kept_of_requests(more: tuple[str, ...]) -> _HeaderNames:
    return _HeaderNames((*_OF_REQUESTS, *more, *(name for row in providers() for name in row.request_headers)))


@cache
def _kept_of_responses(more: tuple[str, ...]) -> _HeaderNames:
    return _HeaderNames((*_OF_RESPONSES, *more, *(name for row in providers() for name in row.response_headers)))
