"""Data URLs (RFC 2397): files inside messages."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from msgspec import Struct

_DATA_URL: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.DOTALL)


class DataURL(Struct, frozen=True):
    """A file's media type and its content in base64, unchanged where the URL had it so."""

    media_type: str
    base64: str

    @classmethod
    def read(cls, url: str) -> Self | None:
        """Return the parts of a data URL; None for any other URL."""
        found = _DATA_URL.fullmatch(url)
        if found is None:
            return None
        media_type, parameters, content = found.groups()
        if ";base64" not in parameters:
            content = base64.b64encode(unquote_to_bytes(content)).decode()
        return cls(registered(media_type) or "text/plain", content)

    @classmethod
    def of_text(cls, text: str, media_type: str) -> Self:
        return cls(media_type, base64.b64encode(text.encode()).decode())

    def content(self) -> bytes:
        """Return the file. Raises ValueError where it is not base64."""
        return base64.b64decode(self.base64, validate=True)

    def text(self) -> str | None:
        """Return the file as text; None where it is no UTF-8."""
        try:
            return self.content().decode()
        except (binascii.Error, UnicodeDecodeError):
            return None

    def __str__(self) -> str:
        return f"data:{self.media_type};base64,{self.base64}"


def registered(media_type: str) -> str:
    """Return a media type under its registered name: files are called .jpg, and no provider takes a type of that name."""
    return "image/jpeg" if media_type == "image/jpg" else media_type
