"""Which header fields a recording keeps: allow-lists, so that a credential nobody thought of is never written."""

from __future__ import annotations

from harness.recording.wire import Headers

#: What decides how a request is understood. Credentials, cookies and the client's own fingerprint are not among it.
REQUEST_HEADERS = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "content-encoding",
        "content-type",
        "openai-beta",
        "x-amz-target",
    }
)

#: What decides how a response body is decoded, retried, rate-limited or reported.
RESPONSE_HEADERS = frozenset(
    {
        "content-encoding",
        "content-language",
        "content-type",
        "location",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "retry-after",
        "retry-after-ms",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-should-retry",
    }
)

#: Families of response headers, by the start of their names.
RESPONSE_HEADER_FAMILIES = ("anthropic-ratelimit-", "ratelimit-", "x-amzn-bedrock-", "x-ratelimit-")
#: What names the request in a provider's logs, by the end of its name: `request-id`, `x-request-id` and its like.
_REQUEST_ID = "request-id"


def kept_request_headers(headers: Headers) -> Headers:
    """Return the request headers that a recording keeps, in order."""
    return tuple((name, value) for name, value in headers if name.lower() in REQUEST_HEADERS)


def kept_response_headers(headers: Headers) -> Headers:
    """Return the response headers that a recording keeps, in order."""
    return tuple(
        (name, value)
        for name, value in headers
        if (lower := name.lower()) in RESPONSE_HEADERS
        or lower.startswith(RESPONSE_HEADER_FAMILIES)
        or lower.endswith(_REQUEST_ID)
    )
