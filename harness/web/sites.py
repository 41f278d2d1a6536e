"""Which sites may use a server through a browser: its own, and those that are allowed by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.errors import UsageError

_PORTS = {"http": 80, "https": 443}


def checked_origins(origins: Collection[str]) -> tuple[str, ...]:
    """Return origins as browsers write them, such as `https://app.example`.

    Raises:
        UsageError: one is no origin. A wildcard is none: whoever is allowed is named.
    """
    if isinstance(origins, str):
        raise UsageError(f"origins are given as a list, not as the string {origins!r}")
    for origin in origins:
        if not _is_origin(origin):
            raise UsageError(f"{origin!r} is no origin; expected scheme and host, as in https://app.example")
    return tuple(origin.lower() for origin in origins)


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in _PORTS and bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}"


def refusal(headers: Mapping[str, str], origins: Collection[str]) -> str | None:
    """Return why a request comes from a site that may not make it, or None.

    A page of another site names itself in `Origin`, or is named by the browser in `Sec-Fetch-Site`. What is no browser
    sends neither, and is let through: it could send what it likes.
    """
    origin = headers.get("origin")
    if origin is not None:
        if origin.lower() in origins or _is_own(origin, headers.get("host", "")):
            return None
        return f"the site {origin[:200]!r} may not use this server; it would have to be allowed by name"
    if headers.get("sec-fetch-site", "none") in {"same-origin", "none"}:
        return None
    if headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document":
        # A link that somebody followed shows the page, and hands its site nothing.
        return None
    return "another site may not use this server; it would have to be allowed by name"


def _is_own(origin: str, host: str) -> bool:
    try:
        parts, own = urlsplit(origin), urlsplit(f"//{host}")
        # The scheme may differ behind a proxy that ends TLS.
        standard = _PORTS.get(parts.scheme)
        return (parts.hostname, parts.port or standard) == (own.hostname, own.port or standard) and bool(own.hostname)
    except ValueError:
        return False


class OwnSite:
    """Lets requests of an app's own pages and of allowed origins through, for hosts that are known as its own.

    A name that a stranger points at this machine is no known host, so that his page can't pass for one of ours (DNS
    rebinding).
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str], hosts: Collection[str]) -> None:
        self._origins = checked_origins(origins)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._app = CORSMiddleware(
            app,
            allow_origins=self._origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("content-type", "last-event-id"),
            expose_headers=("x-run-id",),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = _host_of(headers.get("host", ""))
        if host not in self._hosts:
            reason = f"this server is not known as {host[:200]!r}; start it with --allow-host to have it answer there"
            await JSONResponse({"error": reason}, 421)(scope, receive, send)
        elif (why_not := refusal(headers, self._origins)) is not None:
            await JSONResponse({"error": why_not}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _host_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
