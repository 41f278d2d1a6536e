"""Gemini's wire format: how its streams end, and how it tells of an error.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting (2026-11).
"""

from __future__ import annotations

import re
from typing import Any, Final

from harness.providers.shared.dialect import Dialect, sse_event


def _envelope(status: int, word: str, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": word}}


GENERATE_CONTENT: Final = Dialect(
    "gemini",
    re.compile(rb'"candidates": ?\['),
    {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"},
    _envelope,
    lambda *error: sse_event(_envelope(*error)),
    last_words=re.compile(rb'"finishReason"'),
)
