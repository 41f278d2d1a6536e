"""OpenAI's legacy completions. https://platform.openai.com/docs/api-reference/completions (read 2026-11)."""

from __future__ import annotations

from typing import Any, Final

from conformance.timeline.evidence import FinishReason
from conformance.wire.answer import Reading, counts, json_object
from conformance.wire.openai import COUNTS, events_to_done

_REASONS: Final[dict[str, FinishReason]] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


def read_stream(body: bytes, reading: Reading) -> None:
    for event in events_to_done(body, reading):
        _take(event, reading)


def read_plain(body: bytes, reading: Reading) -> None:
    _take(json_object(body), reading)
    reading.ended = True


def _take(answer: dict[str, Any], reading: Reading) -> None:
    for choice in [each for each in answer["choices"] if not each.get("index")][:1]:
        reading.say(choice.get("text"))
        if choice.get("finish_reason") is not None:
            reading.finish_reason = _REASONS.get(choice["finish_reason"], "other")
    if answer.get("usage"):
        reading.usage = counts(answer["usage"], COUNTS)
