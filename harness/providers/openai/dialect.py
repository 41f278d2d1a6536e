"""OpenAI's wire formats: how their streams end, and how they tell of an error.

Sources: https://platform.openai.com/docs/guides/error-codes,
https://platform.openai.com/docs/api-reference/responses-streaming (2026-11).
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.structs import replace

from harness.providers.shared.dialect import Dialect, sse_event


def _envelope(_: int, word: str, message: str) -> dict[str, Any]:
    code = "rate_limit_exceeded" if word == "requests" else None
    return {"error": {"message": message, "type": word, "param": None, "code": code}}


def _responses_event(_: int, word: str, message: str) -> bytes:
    return sse_event({"type": "error", "code": word, "message": message, "param": None, "sequence_number": 0}, "error")


#: Chat completions, which most hosts speak.
CHAT: Final = Dialect(
    "openai",
    re.compile(rb'"chat\.completion'),
    {429: "requests", 500: "server_error"},
    _envelope,
    end_mark=re.compile(rb"^data: ?\[DONE\][\r\n]", re.MULTILINE),
    reason=re.compile(rb'"finish_reason": ?"'),
)
COMPLETIONS: Final = replace(CHAT, name="openai-completions", mark=re.compile(rb'"text_completion'))
RESPONSES: Final = replace(
    CHAT,
    name="openai-responses",
    mark=re.compile(rb'"object": ?"response"'),
    event=_responses_event,
    end_mark=re.compile(rb"^event: ?response\.(?:completed|failed|incomplete)\r?\ndata:.*\r?\n", re.MULTILINE),
    reason=None,
)
