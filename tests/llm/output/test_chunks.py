"""Events of chunks, made from a pattern, are what validated ones are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from harness.bus import emit
from harness.errors import UsageError
from harness.events import LLMStreamChunkEvent, LLMThinkingChunkEvent
from harness.events.sources import sources
from harness.llm.output.chunks import ChunkEvents

COMMON: dict[str, Any] = {"call_id": "c", "model": "m", "agent_id": "a"}
MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", [LLMStreamChunkEvent, LLMThinkingChunkEvent])
def test_every_event_is_what_validation_makes(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = (f"id-{number}" for number in range(100))
    monkeypatch.setattr(sources, "now", lambda: MOMENT)
    monkeypatch.setattr(sources, "new_id", lambda: next(ids))
    events = ChunkEvents(kind, COMMON)
    said = [("a", None), ("é 🗼", None), ("b", "r1"), ("c", "r1"), ("", "r1"), ("d", "r2")]
    for number, (text, response_id) in enumerate(said):
        made = events.event(text, response_id)
        validated = kind(chunk=text, response_id=response_id, event_id=f"id-{number}", timestamp=MOMENT, **COMMON)
        assert made == validated
        assert type(made) is kind
        assert made.model_dump() == validated.model_dump()
        assert made.__pydantic_fields_set__ >= {"chunk", "response_id", *COMMON}


def test_what_is_done_to_one_event_reaches_no_other() -> None:
    events = ChunkEvents(LLMStreamChunkEvent, COMMON)
    first, second = events.event("a", "r"), events.event("b", "r")
    emit(object(), first)
    emit(object(), second)
    third = events.event("c", "r")
    assert first.emission_sequence != second.emission_sequence
    assert (third.emission_sequence, third.previous_event_id) == (None, None)
    assert len({first.event_id, second.event_id, third.event_id}) == 3
    with pytest.raises(ValidationError, match="frozen"):
        third.chunk = "d"


@pytest.mark.parametrize("moment", [datetime(2026, 11, 21, 12), MOMENT.astimezone(timezone(timedelta(hours=5)))])
def test_times_are_in_utc_whatever_the_clock_says(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "now", lambda: moment)
    events = ChunkEvents(LLMStreamChunkEvent, COMMON)
    assert [events.event(text, None).timestamp for text in "ab"] == [MOMENT, MOMENT]
    assert events.event("c", None).timestamp.tzinfo is UTC


@pytest.mark.parametrize("text", [5, None, ["a"]])
def test_text_that_is_none_is_refused_first_or_later(text: Any) -> None:
    events = ChunkEvents(LLMStreamChunkEvent, COMMON)
    for _ in range(2):
        with pytest.raises(UsageError, match="chunk: expected text"):
            events.event(text, None)
        events.event("a", None)
