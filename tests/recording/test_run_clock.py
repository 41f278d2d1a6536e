"""Claims about the time that agents tell their models: of a run that is played it is that of the recording."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.events.run_clock import run_time
from harness.recording import Target, Trust, load_recording, record, replay_recording
from harness.recording.tape.recorded_answers import played_beside
from tests.recording.support.dated_subject import TARGET


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    record(Target(TARGET), tmp_path / "dated")
    return tmp_path / "dated"


def test_a_run_that_is_played_is_told_the_time_of_its_recording(recording: Path) -> None:
    replayed = replay_recording(recording, trust=Trust.here(["tests.recording.support.dated_subject"]))
    assert (replayed.error, replayed.differences) == (None, [])
    recorded = load_recording(recording)
    # Mode once plays what stands.
    played = record(Target(TARGET), recording).recording
    assert (played.recorded_at, played.outcome) == (recorded.recorded_at, recorded.outcome)
    with played_beside(recording / "cassette.yaml"):
        assert run_time() == recorded.moment


def test_a_recording_whose_time_is_none_tells_the_time_that_it_is(recording: Path) -> None:
    file = recording / "recording.json"
    file.write_text(file.read_text().replace(load_recording(recording).recorded_at, "yesterday"))
    before = datetime.now(UTC)
    with played_beside(recording / "cassette.yaml"):
        assert before <= run_time() <= datetime.now(UTC)
