"""Why an answer of Gemini ended: the API's words, and the numbers that stand for them where enums are asked for as such.

A query of `$alt=json;enum-encoding=int`, as Google's older SDKs send it over REST, asks for numbers. Each API has its own.
Sources: https://ai.google.dev/api/generate-content#FinishReason,
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rpc/google.cloud.aiplatform.v1 (2026-11).
"""

from __future__ import annotations

from typing import Any, Final

from harness.llm.output.parts import FinishReason

#: The API's reasons in the words of all providers; in small letters; what is not here is `other`.
FINISH: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "max_tokens": "length",
    "safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
    "image_prohibited_content": "content_filter",
    "image_recitation": "content_filter",
    "model_armor": "content_filter",
}
_SHARED: Final = ("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
_BLOCKED: Final = ("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL")
#: The names by their numbers.
_NUMBERED: Final = {
    "gemini": (*_SHARED, "LANGUAGE", *_BLOCKED, "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL"),
    "vertex_ai": (*_SHARED, *_BLOCKED, "MODEL_ARMOR"),
}
_BLOCK_REASONS: Final = {
    "gemini": ("", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY"),
    "vertex_ai": ("", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "MODEL_ARMOR", "JAILBREAK"),
}


def finish_reason(sent: Any, provider: str) -> str | None:
    """Return the name of a reason for an answer's end, which may be its number; None for none."""
    return _name(sent, _NUMBERED[provider])


def block_reason(sent: Any, provider: str) -> str | None:
    """Return the name of a reason for a prompt's being blocked, which may be its number; None for none."""
    return _name(sent, _BLOCK_REASONS[provider])


def _name(sent: Any, names: tuple[str, ...]) -> str | None:
    if isinstance(sent, int) and not isinstance(sent, bool):
        sent = names[sent] if 0 <= sent < len(names) else str(sent)
    # The first of an enum says that there is none.
    return None if sent in (None, "", names[0]) else str(sent)
