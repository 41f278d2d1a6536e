"""What an answer of Gemini says, read from its bytes with nothing but json: the reading the adapter is held to.

Calls that Gemini gave no id have "" for one here.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.providers.reading import Said

_REASONS: Final = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}


def read(content_type: str, body: bytes) -> Said:
    """Return what the answer says, streamed or whole."""
    if content_type.startswith("text/event-stream"):
        lines = body.decode().split("\n")
        return _said([json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")])
    return _said([json.loads(body)])


def _said(answers: list[dict[str, Any]]) -> Said:
    candidates = [answer["candidates"][0] for answer in answers if "candidates" in answer]
    parts = [part for candidate in candidates for part in candidate.get("content", {}).get("parts", ())]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    texts = [part for part in parts if "text" in part]
    reason = _REASONS[[candidate["finishReason"] for candidate in candidates if "finishReason" in candidate][-1]]
    return Said(
        text="".join(part["text"] for part in texts if not part.get("thought")),
        thinking="".join(part["text"] for part in texts if part.get("thought")),
        calls=[(call.get("id", ""), call["name"], call["args"]) for call in calls],
        usage=_usage([answer["usageMetadata"] for answer in answers if "usageMetadata" in answer][-1]),
        finish_reason="tool_calls" if calls and reason == "stop" else reason,
    )


def _usage(sent: dict[str, Any]) -> dict[str, int]:
    thoughts = sent.get("thoughtsTokenCount")
    usage = {
        "prompt_tokens": sent["promptTokenCount"],
        "completion_tokens": sent.get("candidatesTokenCount", 0) + (thoughts or 0),
        "total_tokens": sent["totalTokenCount"],
    }
    if "cachedContentTokenCount" in sent:
        usage["cached_prompt_tokens"] = sent["cachedContentTokenCount"]
    return usage if thoughts is None else {**usage, "reasoning_tokens": thoughts}
