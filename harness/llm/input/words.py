"""What a message says in words, beside its pictures and other parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def words_in(content: Any) -> str:
    """Return the text of a content: of parts, that of those which are text."""
    if not isinstance(content, list):
        return "" if content is None else str(content)
    texts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))
