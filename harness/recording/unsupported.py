"""Calls to models by APIs that no integration speaks: named for what they are, so that none is taken for something else."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

#: What the path of a URL ends with, host included, and whose API that is.
_APIS: Final = (
    (re.compile(r".*/chat/completions"), None),
    (re.compile(r".*/completions"), "OpenAI's legacy completions"),
    (re.compile(r".*/api/(?:chat|generate)"), "Ollama's own API"),
    (re.compile(r"api\.cohere\.(?:com|ai)/v\d+/(?:chat|generate)"), "Cohere's API"),
    (
        re.compile(r".*/publishers/anthropic/models/[^/]+:(?:streamRawPredict|rawPredict)"),
        "Anthropic's models on Vertex AI",
    ),
)


def unsupported_api(method: str, url: str) -> str | None:
    """Return whose API a call to a model was made by; None where it is no such call."""
    parts = urlsplit(url)
    if method.upper() != "POST":
        return None
    place = f"{parts.hostname or ''}{parts.path}"
    return next((name for pattern, name in _APIS if pattern.fullmatch(place)), None)
