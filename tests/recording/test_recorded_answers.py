"""Claims about replaying a run that asked a person: the recording answers, and nobody is asked again."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from harness.recording import Trust, record, replay_recording
from harness.recording.target import Target

TARGET = "tests.recording.asking_subject:Interview"


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    answers, never = iter(["Ann", "Bo"]), threading.Event()

    def typed(prompt: str = "") -> str:
        if prompt != "> ":
            return "Yes, it is"
        told = next(answers, None)
        if told is None:
            never.wait(10)
        return told or ""

    monkeypatch.setattr("builtins.input", typed)
    out = tmp_path / "interview"
    record(Target(TARGET), out)
    never.set()
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail("the terminal was asked"))
    return out


def test_what_a_person_said_is_said_again(recording: Path) -> None:
    """In the order in which it was asked; what was not answered in time is not answered."""
    replayed = replay_recording(recording, trust=Trust.here(["tests.recording.asking_subject"]))
    assert replayed.error is None
    assert replayed.differences == []
    assert b"Yes, it is" in (recording / "frames.jsonl").read_bytes()


def test_a_question_that_was_not_recorded_says_so(recording: Path) -> None:
    frames = recording / "frames.jsonl"
    lines = frames.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("type") != "human_feedback_received"]
    frames.write_bytes(b"".join(kept))
    replayed = replay_recording(recording, trust=Trust.here(["tests.recording.asking_subject"]))
    assert "the recording has no answer to 'Is it good?'" in str(replayed.error)
