"""The page of a served app: one file, which may load nothing and speak to nobody but its own server."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.responses import Response

#: What a browser is told beside the page's content policy.
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def page_response() -> Response:
    """Return the page, with a policy that lets its own script and style alone work."""
    page, policy = _page()
    return Response(page, media_type="text/html", headers={**_HEADERS, "Content-Security-Policy": policy})


def timeline_response(page: str) -> Response:
    """Return a page of a run's timeline, which has its script in itself and speaks to nobody."""
    policy = (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Response(page, media_type="text/html", headers={**_HEADERS, "Content-Security-Policy": policy})


@cache
def _page() -> tuple[str, str]:
    page = files("harness.web").joinpath("page.html").read_text("utf-8")
    script, style = (
        " ".join(_digest(found) for found in re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL))
        for tag in ("script", "style")
    )
    return page, (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
