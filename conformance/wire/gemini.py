"""Gemini's generateContent, streamed as server-sent events or not.

https://ai.google.dev/api/generate-content (read 2026-11). Calls may have no ids there.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object
from conformance.wire.events import sse_events

_REASONS: Final[dict[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"), "content_filter"),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"), "content_filter"),
    **dict.fromkeys(("MODEL_ARMOR", "ESCALATION"), "content_filter"),
}
#: Reasons with which it says that there is no answer.
_FAILURES: Final = frozenset(
    {
        *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
        *("MISSING_THOUGHT_SIGNATURE", "PUP_LIMITED_DISABLED"),
    }
)
#: A step of a JSON path, and the kinds of values that come with one.
_STEP: Final = re.compile(r"""\.([^.\[]+)|\[['"](.*?)['"]\]|\[(\d+)\]""")
_VALUES: Final = ("stringValue", "numberValue", "boolValue")
_COUNTS: Final = {"cached_prompt_tokens": "cachedContentTokenCount", "reasoning_tokens": "thoughtsTokenCount"}


def read_stream(body: bytes, reading: Reading) -> None:
    begun: list[dict[str, Any]] = []
    for _, data in sse_events(body):
        event = json_object(data)
        if event.get("error"):
            reading.failed = True
            return
        _add(reading, event, begun)


def read_plain(body: bytes, reading: Reading) -> None:
    _add(reading, json_object(body), [])
    reading.ended = True


def _add(reading: Reading, event: dict[str, Any], begun: list[dict[str, Any]]) -> None:
    """Add an event; `begun` has what has come of a call that comes in pieces."""
    _use(reading, event.get("usageMetadata"))
    if (event.get("promptFeedback") or {}).get("blockReason"):
        # Such a prompt gets no candidates.
        reading.ended, reading.finish_reason = True, "content_filter"
    for candidate in [each for each in event.get("candidates", []) if not each.get("index")][:1]:
        for part in (candidate.get("content") or {}).get("parts", ()):
            if "functionCall" in part:
                _call(reading, part["functionCall"], begun)
            elif part.get("thought"):
                reading.think(part.get("text"))
            else:
                reading.say(part.get("text"))
        reason = candidate.get("finishReason")
        if reason is not None:
            # What tells the end stands in the last event that holds any of the answer.
            reading.ended = True
            reading.finish(reason, {**_REASONS, "STOP": "tool_calls"} if reading.calls else _REASONS, _FAILURES)
            if begun:
                # Nothing closes what was cut.
                reading.argue(len(reading.calls) - 1, json.dumps(_arguments(begun))[:-1])


def _call(reading: Reading, piece: dict[str, Any], begun: list[dict[str, Any]]) -> None:
    if not begun:
        reading.begin_call(len(reading.calls), piece.get("id"), piece["name"])
    begun.append(piece)
    if not piece.get("willContinue"):
        reading.argue(len(reading.calls) - 1, json.dumps(_arguments(begun)))
        begun.clear()


def _arguments(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the arguments that pieces of one call say, whose values come with their JSON paths."""
    root: dict[str, Any] = {"$": pieces[0].get("args") or {}}
    was_open = None
    for sent in (value for piece in pieces for value in piece.get("partialArgs") or ()):
        path = ["$", *(name or text or int(index) for name, text, index in _STEP.findall(sent["jsonPath"]))]
        place: Any = root
        for step, following in pairwise(path):
            _make(place, step, [] if isinstance(following, int) else {})
            place = place[step]
        # Only a text goes on.
        absent = "" if was_open == path or sent.get("willContinue") else None
        value = next((sent[kind] for kind in _VALUES if kind in sent), absent)
        _make(place, path[-1], None)
        place[path[-1]] = place[path[-1]] + value if was_open == path else value
        was_open = path if sent.get("willContinue") else None
    return root["$"]  # type: ignore[no-any-return]


def _make(place: Any, step: str | int, value: Any) -> None:
    if isinstance(place, dict):
        place.setdefault(step, value)
    elif step == len(place):
        place.append(value)


def _use(reading: Reading, sent: dict[str, Any] | None) -> None:
    if sent is not None:
        prompt = sent.get("promptTokenCount") or 0
        completion = sum(sent.get(name) or 0 for name in ("candidatesTokenCount", "thoughtsTokenCount"))
        if sent.get("totalTokenCount") != prompt + completion:
            # What a tool of the provider's read, where the total counts it.
            prompt += sent.get("toolUsePromptTokenCount") or 0
        reading.usage = {**counts(sent, _COUNTS), "prompt_tokens": prompt, "completion_tokens": completion}
