"""What the environment says of providers does not keep a run that is played from what is recorded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from conformance.areas.catalogue import scenarios
from conformance.run.suite import perform
from conformance.subjects.harness import HarnessSubject
from harness.providers.registry import ROWS
from harness.recording import read_cassette, replay_recording
from harness.recording.environment import WAYS, played_environment
from harness.shipped import shipped_folder, shipped_recording

ELSEWHERE = "http://127.0.0.1:9"
#: What a variable says that is no address.
WORDS = {"GOOGLE_GENAI_USE_VERTEXAI": "true", "AWS_PROFILE": "nobody", "AWS_DEFAULT_PROFILE": "nobody"}


def _what_differs(folder: Path) -> list[object]:
    replayed = replay_recording(folder)
    return [*replayed.problems, *replayed.differences, *replayed.unplayed]


def test_replays_are_the_same_on_a_machine_that_has_providers_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {name for row in ROWS for name in row.leading}:
        monkeypatch.setenv(name, WORDS.get(name, ELSEWHERE))
    for name in WAYS:
        monkeypatch.setenv(name, "/nowhere" if name.endswith("BUNDLE") else "socks5://127.0.0.1:9")
    before = dict(os.environ)
    for row in ROWS:
        texts = [shipped_folder() / row.recordings / "text"] if row.recordings else []
        for folder in filter(Path.exists, texts):
            assert _what_differs(folder) == [], folder
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("recording", "home", "elsewhere", "variable"),
    [
        ("openai/text", "https://api.openai.com/v1", "http://localhost:4000/v1", "OPENAI_BASE_URL"),
        ("anthropic/text", "https://api.anthropic.com", "https://gateway.example/claude", "ANTHROPIC_BASE_URL"),
    ],
)
@pytest.mark.parametrize("now", [None, "home", "there"])
def test_what_was_recorded_at_another_address_is_played_wherever_the_environment_points(
    recording: str,
    home: str,
    elsewhere: str,
    variable: str,
    now: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = Path(shutil.copytree(shipped_recording(recording), tmp_path / "copy"))
    cassette = copy / "cassette.yaml"
    cassette.write_text(cassette.read_text().replace(home, elsewhere))
    if now is not None:
        monkeypatch.setenv(variable, home if now == "home" else elsewhere)
    before = dict(os.environ)
    assert _what_differs(copy) == []
    assert dict(os.environ) == before


def test_a_variable_that_the_run_has_set_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = read_cassette(shipped_recording("openai/text") / "cassette.yaml")
    monkeypatch.setenv("OPENAI_BASE_URL", ELSEWHERE)
    with played_environment(recorded, own={}):
        assert os.environ["OPENAI_BASE_URL"] == ELSEWHERE
    with played_environment(recorded):
        assert "OPENAI_BASE_URL" not in os.environ
        os.environ["OPENAI_BASE_URL"] = "http://set.by.the.run"
    assert os.environ["OPENAI_BASE_URL"] == "http://set.by.the.run"


def test_a_subject_is_asked_on_this_machine_whatever_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WAYS:
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    for name, value in WORDS.items():
        monkeypatch.setenv(name, value)
    subject = HarnessSubject()
    for name in ("flow/after/plain/sync", "recorded/bedrock/text/sync", "recorded/gemini/text/async"):
        decisions = perform(subject, scenarios()[name]).decisions
        assert {decision.status for decision in decisions} == {"passed"}
