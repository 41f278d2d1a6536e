"""What the environment says of providers does not keep a run that is played from what is recorded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import httpx
import pytest

from conformance.areas.catalogue import scenarios
from conformance.run.suite import perform
from conformance.subjects.harness import HarnessSubject
from harness import LLM
from harness.providers.registry import ROWS
from harness.providers.row import NOBODY
from harness.recording import open_tape, read_cassette, replay_cassette, replay_recording
from harness.recording.environment import WAYS, played_environment
from harness.shipped import shipped_folder, shipped_recording

ELSEWHERE = "http://127.0.0.1:9"
#: What a variable says that is no address.
WORDS = {
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "AWS_PROFILE": "nobody",
    "AWS_DEFAULT_PROFILE": "nobody",
}


def _what_differs(folder: Path) -> list[object]:
    replayed = replay_recording(folder)
    return [*replayed.problems, *replayed.differences, *replayed.unplayed]


def test_replays_are_the_same_on_a_machine_that_has_providers_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {name for row in ROWS for name in row.leading}:
        monkeypatch.setenv(name, WORDS.get(name, ELSEWHERE))
    for name in WAYS:
        monkeypatch.setenv(name, "/nowhere" if name.endswith(("BUNDLE", "FILE", "DIR")) else "socks5://127.0.0.1:9")
    before = dict(os.environ)
    for row in ROWS:
        texts = [shipped_folder() / row.recordings / "text"] if row.recordings else []
        for folder in filter(Path.exists, texts):
            assert _what_differs(folder) == [], folder
            (call,) = replay_cassette(folder / "cassette.yaml")
            assert (call.unjudged, call.error) == (None, None), folder
    with played_environment(()):
        httpx.Client().close()
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("recording", "home", "elsewhere", "variable"),
    [
        ("openai/text", "https://api.openai.com/v1", "http://localhost:4000/v1", "OPENAI_BASE_URL"),
        ("openai/text", "https://api.openai.com/v1", "https://api.groq.com/openai/v1", "OPENAI_BASE_URL"),
        ("openai/text", "https://api.openai.com/v1", "https://api.openai.com/v1", "OPENAI_BASE_URL"),
        ("anthropic/text", "https://api.anthropic.com", "https://api.anthropic.com", "ANTHROPIC_BASE_URL"),
        ("anthropic/text", "https://api.anthropic.com", "https://gateway.example/claude", "ANTHROPIC_BASE_URL"),
    ],
)
@pytest.mark.parametrize("now", [None, "home", "home of others", "there"])
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
        # Other programs leave out, or add, what version the API has.
        of_others = home.removesuffix("/v1") if home.endswith("/v1") else f"{home}/v1"
        monkeypatch.setenv(variable, {"home": home, "home of others": of_others, "there": elsewhere}[now])
    before = dict(os.environ)
    assert _what_differs(copy) == []
    assert dict(os.environ) == before


VERTEX = "https://europe-west1-aiplatform.googleapis.com/v1beta1/projects/boats/locations/europe-west1/publishers"
AZURE = "https://boats.openai.azure.com/openai/deployments/gpt-4o-mini/chat/completions?api-version=2025-04-01-preview"


@pytest.mark.parametrize(
    ("recording", "model", "there", "held"),
    [
        (
            "gemini/vertex",
            "gemini/gemini-2.5-flash",
            ("https://aiplatform.googleapis.com/v1beta1/publishers", VERTEX),
            {
                "GOOGLE_GENAI_USE_VERTEXAI": "true",
                "GOOGLE_CLOUD_PROJECT": "boats",
                "GOOGLE_CLOUD_LOCATION": "europe-west1",
                "GEMINI_API_KEY": "",
            },
        ),
        (
            "gemini/vertex",
            "vertex_ai/gemini-2.5-flash",
            ("https://aiplatform.googleapis.com", "https://gateway.example/google"),
            {"GOOGLE_VERTEX_BASE_URL": "https://gateway.example/google"},
        ),
        (
            "azure/text",
            "azure/gpt-4o-mini",
            (
                "https://harbour-example.openai.azure.com/openai/deployments/gpt-4o-mini/chat/completions"
                "?api-version=2024-12-01-preview",
                AZURE,
            ),
            {"AZURE_OPENAI_ENDPOINT": "https://boats.openai.azure.com", "OPENAI_API_VERSION": "2025-04-01-preview"},
        ),
        (
            "openai/text",
            "ollama/gpt-4o-mini",
            ("https://api.openai.com/v1", "http://boats.example:11434/v1"),
            {"OLLAMA_HOST": "http://boats.example:11434"},
        ),
    ],
)
@pytest.mark.parametrize("now", ["none", "there", "another"])
def test_what_the_environment_said_of_a_call_is_told_by_its_url(
    recording: str,
    model: str,
    there: tuple[str, str],
    held: dict[str, str],
    now: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cassette = tmp_path / "cassette.yaml"
    cassette.write_text((shipped_recording(recording) / "cassette.yaml").read_text().replace(*there))
    for name, value in held.items():
        if now == "none":
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value if now == "there" else f"{value}-of-others")
    before = dict(os.environ)
    with open_tape(cassette, "none") as tape, played_environment(tape.unplayed):
        assert LLM(model, stream=True).call("How is the harbour tonight?")
    assert (tape.unplayed, tape.misses) == ((), ())
    assert dict(os.environ) == before


def test_a_variable_that_the_run_has_set_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = read_cassette(shipped_recording("openai/text") / "cassette.yaml")
    monkeypatch.setenv("OPENAI_BASE_URL", ELSEWHERE)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with played_environment(recorded, own={"OPENAI_API_KEY": "taken away by the run"}):
        assert os.environ["OPENAI_BASE_URL"] == ELSEWHERE
        assert os.environ["OPENAI_API_KEY"] == NOBODY
    with played_environment(recorded):
        assert os.environ["OPENAI_BASE_URL"] == "https://api.openai.com/v1"
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
