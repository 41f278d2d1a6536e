"""Frames of any run become the same frames: ids and times are normalised, links and content are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from harness.recording.comparison.normal import Normalizer, offset_ms
from tests.recording.support.timelines import BEGAN, frames_of

UUID = "0b9f1c52-6a7e-4f43-9d57-1f6f3c2a4e10"


def normalised(*payloads: dict[str, Any]) -> list[dict[str, Any]]:
    normalizer = Normalizer()
    rows = [(f"e{number}", "custom_event", None, payload) for number, payload in enumerate(payloads)]
    return [normalizer.frame(frame) for frame in frames_of(*rows, run=UUID)]


def test_ids_are_named_by_seq_and_links_follow() -> None:
    frames = frames_of(
        ("a", "flow_started", None, {}), ("b", "custom_event", "a", {}), ("a", "flow_finished", None, {})
    )
    normalizer = Normalizer()
    told = [normalizer.frame(frame) for frame in frames]
    assert [(one["id"], one["parent_id"], one["previous_id"]) for one in told] == [
        ("f1", None, None), ("f2", "f1", "f1"), ("f3", None, "f2")
    ]  # fmt: skip
    assert told[2]["data"]["started_event_id"] == "f1"


def test_times_count_from_the_first_frame() -> None:
    told = normalised({}, {})
    assert [one["timestamp"] for one in told] == ["1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.001000Z"]
    assert offset_ms(datetime.fromisoformat(told[1]["timestamp"])) == 1.0


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("call_id", "call"),
        ("flow_id", "flow"),
        ("request_id", "request"),
        ("checkpoint_id", "checkpoint"),
        ("task_id", "task"),
        ("agent_id", "agent"),
        ("session_id", "session"),
        ("source_fingerprint", "source"),
    ],
)
def test_volatile_ids_are_numbered_in_order(key: str, word: str) -> None:
    told = normalised({key: UUID + "1"}, {key: UUID + "2"}, {key: UUID + "1"}, {key: None})
    assert [one["data"][key] for one in told] == [f"{word}-1", f"{word}-2", f"{word}-1", None]


def test_the_id_of_a_session_that_somebody_has_chosen_stays() -> None:
    assert normalised({"session_id": "harbour", "said": "harbour"})[0]["data"]["session_id"] == "harbour"


def test_the_id_of_a_state_is_one() -> None:
    assert normalised({"state": {"id": UUID, "n": 1}})[0]["data"]["state"] == {"id": "state-1", "n": 1}


def test_a_known_id_is_replaced_wherever_it_stands() -> None:
    told = normalised(
        {"call_id": UUID, "deep": [{"x": UUID}], "of": {UUID: 1, "n": 2}, "text": f"see {UUID}."}, {"later": UUID}
    )
    assert told[0]["data"] == {
        "call_id": "call-1",
        "deep": [{"x": "call-1"}],
        "of": {"call-1": 1, "n": 2},
        "text": "see call-1.",
    }
    assert told[1]["data"] == {"later": "call-1"}


def test_a_short_id_is_replaced_only_where_it_stands_alone() -> None:
    told = normalised({"call_id": "c", "one": "c", "text": "c as in calm", "of": {"c": 1}})
    assert told[0]["data"] == {"call_id": "call-1", "one": "call-1", "text": "c as in calm", "of": {"c": 1}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-05T12:00:02.501000Z", "1970-01-01T00:00:02.500000Z"),
        ("2026-01-05T11:59:59.001000Z", "1969-12-31T23:59:59.000000Z"),
        ("1999-12-31T23:59:59.000000Z", "1999-12-31T23:59:59.000000Z"),
        ("2026-01-05T12:00:02Z", "2026-01-05T12:00:02Z"),
        ("2026-99-99T99:99:99.000000Z", "2026-99-99T99:99:99.000000Z"),
    ],
    ids=["of the run", "before it", "a date in content", "not as the codec writes", "no time"],
)
def test_times_of_the_run_are_normalised_and_dates_in_content_are_not(value: str, expected: str) -> None:
    assert normalised({"at": value})[0]["data"]["at"] == expected


@dataclass(frozen=True)
class ForeignFrame:
    """A frame of another runtime, with a naive time and plain containers."""

    id: str
    seq: int
    timestamp: datetime
    type: str = "custom_event"
    channel: str = "custom"
    namespace: list[str] = field(default_factory=lambda: ["custom"])
    parent_id: str | None = None
    previous_id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    "at",
    [BEGAN.replace(tzinfo=None), BEGAN, BEGAN.astimezone(timezone(timedelta(hours=2)))],
    ids=["naive", "UTC", "+2"],
)
def test_frames_of_other_runtimes_are_normalised_too(at: datetime) -> None:
    normalizer = Normalizer()
    normalizer.frame(ForeignFrame("x", 1, datetime(2026, 1, 5, 12, tzinfo=UTC)))
    told = normalizer.frame(ForeignFrame("y", 2, at + timedelta(seconds=1), previous_id="x", data={"t": (1, 2)}))
    assert (told["id"], told["previous_id"]) == ("f2", "f1")
    assert told["timestamp"] == "1970-01-01T00:00:01.000000Z"
    assert told["data"] == {"t": [1, 2]}
