"""Recorded responses as a client can read them, where what describes their body is missing from the recording.

Published cassettes are often scrubbed of headers, or were recorded by a client that had decoded what it got.
"""

from __future__ import annotations

import importlib.util
import re
from typing import Final

from msgspec.structs import replace

from harness.errors import MissingExtraError
from harness.recording.boundaries import chunks_of
from harness.recording.redact.content_coding import is_text, opened_if_possible
from harness.recording.wire import WireResponse

_MEDIA_TYPE: Final = re.compile(r"\s*[\w.+-]+/[\w.+-]+")
#: How a body of server-sent events begins.
EVENTS: Final = re.compile(rb"\s*(?:data|event|id|retry)?:")
#: What a body begins with, by what it then is.
_BEGINNINGS: Final = ((re.compile(rb"\s*[{\[]"), "application/json"), (EVENTS, "text/event-stream"))
_GZIP: Final = b"\x1f\x8b"
#: Packages that any HTTP client decodes a content coding with, once one is installed.
_DECODERS: Final = {"br": ("brotli", "brotlicffi"), "zstd": ("zstandard", "compression.zstd", "backports.zstd")}


def with_coding_and_type(response: WireResponse) -> WireResponse:
    """Return the response with the type that its body has by its looks, where its headers name none; gzip is opened then."""
    if response.body.startswith(_GZIP) and not response.header("content-encoding"):
        response = opened_if_possible(replace(response, headers=(*response.headers, ("content-encoding", "gzip"))))
    if _MEDIA_TYPE.match(response.header("content-type") or ""):
        return response
    if response.body.startswith(_GZIP):
        response = opened_if_possible(response)
    kind = next((kind for beginning, kind in _BEGINNINGS if beginning.match(response.body)), None)
    if kind is None:
        return response
    headers = tuple(field for field in response.headers if field[0].lower() != "content-type")
    return replace(response, headers=(*headers, ("content-type", kind)), chunks=chunks_of(kind, response.body))


def check_coding(response: WireResponse) -> None:
    """Refuse a body that nothing which is installed here can decode. Raises MissingExtraError."""
    coding = (response.header("content-encoding") or "").strip().lower()
    packages = _DECODERS.get(coding)
    if packages is None or any(_is_installed(package) for package in packages) or is_text(response.body):
        return
    raise MissingExtraError(f"the recorded body is compressed as {coding!r}, which needs pip install {packages[0]}")


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False
