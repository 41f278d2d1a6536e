"""What of credentials is compared: that one stands there, not which, nor how long it is.

A recording holds filler in their place, as long as they were. Whoever replays it has another key, a stand-in, or none.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_plus

from harness.recording.redact.names import is_query_name, is_query_word, is_schema_word, weight
from harness.recording.redact.passage import FILLERS
from harness.recording.redact.values import is_held, is_placeholder

#: What stands in the place of what is not compared.
BLANK: Final = "…"
#: What a credential that no name announces was overwritten with. A shorter run may be emphasis, or a list's mark.
_FILLED: Final = re.compile(f"[{FILLERS}]{{4,}}")
_FILLED_BYTES: Final = re.compile(b"(?:%b){4,}" % "|".join(map(re.escape, FILLERS)).encode())
_FORM_FIELD: Final = re.compile(rb"(?<![^&])(?P<name>[^&=]{1,200})=(?P<value>[^&]*)")
#: When a URL was signed, and until when that holds, belongs to its signature, and is another time in each run: with AWS
#: and Google, in both of their forms, and with Azure.
_SIGNED_AT: Final = re.compile(
    r"(?<![^?&])(x-(?:amz|goog)-date|expires|s[et]|sk[et])=[^&#\s\"'<>]*", re.ASCII | re.IGNORECASE
)


def whenever_signed(text: str) -> str:
    """Return a query, or a text with URLs in it, without the times of their signatures."""
    return _SIGNED_AT.sub(rf"\1={BLANK}", text) if "ignature=" in text or "sig=" in text else text


def compared_text(text: str) -> str:
    """Return `text` with one mark in the place of each credential that was overwritten in it."""
    text = whenever_signed(text)
    return _FILLED.sub(BLANK, text) if "**" in text or not text.isascii() else text


def compared_bytes(body: bytes) -> bytes:
    """Return a body of any kind as `compared_text` does a text."""
    return _FILLED_BYTES.sub(BLANK.encode(), body)


def compared_field(name: str, value: str, own: frozenset[str], *, in_query: bool = False) -> str:
    """Return the `value` of a header field, or of one of a query or a form; `own` are the secret names of a project.

    What stands in the place of a credential is taken for one, too: nothing at all, or `dummy`.
    """
    settles = weight(name, own)
    announced = settles != "none" or (in_query and is_query_name(name))
    if not announced or value.isdecimal() or ((settles != "secret" or in_query) and is_query_word(value)):
        return compared_text(value)
    is_one = _is_credential(value) if settles == "secret" else is_placeholder(value)
    return BLANK if is_one else compared_text(value)


def _is_credential(value: str) -> bool:
    """Whether what stands under a secret name is a credential, or stands for one: a path or a reference is none."""
    return not value or is_placeholder(value) or is_held(value)


def compared_form(body: bytes, own: frozenset[str]) -> bytes:
    """Return a form's body with each value as `compared_field` gives it, and what is compared in full as it was sent."""
    return _FORM_FIELD.sub(lambda field: _compared_form_field(field, own), body)


def compared_json(value: Any, own: frozenset[str]) -> Any:
    """Return a JSON value, changed in place: a text or null under a secret name, itself or further out, is one mark."""
    root = [value]
    # No calls of its own: it is nested as deep as whoever sent it liked.
    waiting: list[tuple[dict[str, Any] | list[Any], bool]] = [(root, False)]
    while waiting:
        around, is_inside = waiting.pop()
        for key, inner in around.items() if isinstance(around, dict) else enumerate(around):
            is_secret = is_inside
            if isinstance(key, str):
                is_secret = (is_inside and not is_schema_word(key)) or weight(key, own) == "secret"
            if is_secret and (inner is None or (isinstance(inner, str) and _is_credential(inner))):
                around[key] = BLANK  # type: ignore[index]
            elif isinstance(inner, str):
                around[key] = compared_field(key, inner, own) if isinstance(key, str) else compared_text(inner)  # type: ignore[index]
            elif isinstance(inner, dict | list):
                # How to log in stands under `auth`, as well as with what.
                waiting.append((inner, is_secret and (is_inside or key != "auth")))
    return root[0]


def _compared_form_field(field: re.Match[bytes], own: frozenset[str]) -> bytes:
    name, value = (unquote_plus(part.decode("utf-8", "replace")) for part in field.group("name", "value"))
    compared = compared_field(name, value, own, in_query=True)
    return field.group() if compared == value else b"%b=%b" % (field["name"], compared.encode())
