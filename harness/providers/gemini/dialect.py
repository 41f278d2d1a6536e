"""Gemini's wire format: how its streams end, and how it tells of an error.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

from harness.providers.shared.dialect import Dialect

GENERATE_CONTENT: Final = Dialect(
    "gemini",
    re.compile(rb'"candidates": ?\['),
    {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"},
    lambda status, word, message: {"error": {"code": status, "message": message, "status": word}},
    last_words=re.compile(rb'"finishReason"'),
)
