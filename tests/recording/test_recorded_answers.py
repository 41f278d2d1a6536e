"""Claims about replaying a run that asked a person: the recording answers, and nobody is asked again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.recording import Trust, replay_recording
from tests.recording.support.asking_subject import record_interview


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    out = tmp_path / "interview"
    record_interview(out, monkeypatch)
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail("the terminal was asked"))
    return out


def test_what_a_person_said_is_said_again(recording: Path) -> None:
    """In the order in which it was asked; what was not answered in time is not answered."""
    replayed = replay_recording(recording, trust=Trust.here(["tests.recording.support.asking_subject"]))
    assert replayed.error is None
    assert replayed.differences == []
    assert b"Yes, it is" in (recording / "frames.jsonl").read_bytes()


def test_a_question_that_was_not_recorded_says_so(recording: Path) -> None:
    frames = recording / "frames.jsonl"
    lines = frames.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("type") != "human_feedback_received"]
    frames.write_bytes(b"".join(kept))
    replayed = replay_recording(recording, trust=Trust.here(["tests.recording.support.asking_subject"]))
    assert "the recording has no answer to 'Is it good?'" in str(replayed.error)
