"""Text that can be sent: half of a character, as of text that was cut by UTF-16, can be written on no wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def whole_characters(value: Any) -> Any:
    """Return messages, or what they are made of, with the halves of a character together, and one for each that is alone."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, Mapping):
        return {name: whole_characters(part) for name, part in value.items()}
    return [whole_characters(part) for part in value] if isinstance(value, list) else value
