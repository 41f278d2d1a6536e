"""How messages name a request: by its method and URL, without query, user and credentials."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from harness.recording.redact.bodies import redacted_text


def request_line(method: str, url: str) -> str:
    """Return how messages name a request."""
    parts = urlsplit(without_userinfo(url))
    return f"{method} {redacted_text(urlunsplit((parts.scheme, parts.netloc, parts.path, '', '')))[0]}"


def without_userinfo(url: str) -> str:
    """Return `url` without user and password."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
