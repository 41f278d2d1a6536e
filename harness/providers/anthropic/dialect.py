"""Anthropic's wire format: how its streams end, and how it tells of an error.

Source: https://docs.anthropic.com/en/api/errors (2026-11).
"""

from __future__ import annotations

import re
from typing import Any, Final

from harness.providers.shared.dialect import Dialect, sse_event


def _envelope(_: int, word: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": word, "message": message}}


MESSAGES: Final = Dialect(
    "anthropic",
    re.compile(rb'"type": ?"message(?:_start)?"'),
    {429: "rate_limit_error", 500: "api_error"},
    _envelope,
    lambda *error: sse_event(_envelope(*error), "error"),
    end_mark=re.compile(rb"^event: ?message_stop\r?\ndata:.*\r?\n", re.MULTILINE),
)
