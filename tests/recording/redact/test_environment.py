"""What stands in the environment as a credential is one wherever it is told again, whatever its form."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest

from harness.recording.redact.leaks import leaks_in_text
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import open_tape
from tests.recording.redact.planted_secrets import opaque
from tests.recording.redact.secret_carriers import sse, sse_events
from tests.recording.support.loopback import Exchange, loopback

KEY = f"boats.{opaque('environment', 18)}"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOATS_API_KEY", KEY)
    monkeypatch.setenv("BOATS_SECRET", "development")
    monkeypatch.setenv("BOATS_BUILD", "build-of-2024-boats")


@pytest.mark.parametrize("told", [KEY, base64.b64encode(KEY.encode()).decode(), KEY.replace("b", "%62")])
def test_it_is_blotted_wherever_it_is_told(told: str) -> None:
    text = f"You came as {told}, from development to build-of-2024-boats."
    redacted = Redactor().text(text)
    assert told not in redacted
    assert (len(redacted), redacted[:12], redacted[-41:]) == (len(text), text[:12], text[-41:])
    assert any(leaks_in_text(text))
    assert not any(leaks_in_text(redacted))


def test_what_has_a_form_keeps_what_all_of_it_have(monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"sk-proj-{opaque('with a form', 48)}"
    without = Redactor().text(f"It is {key}.")
    monkeypatch.setenv("BOATS_API_KEY", key)
    assert Redactor().text(f"It is {key}.") == without == f"It is sk-proj-{'*' * 48}."


def test_a_token_is_one_by_its_look_and_where_a_shell_or_a_file_is_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    token = opaque("token", 24)
    monkeypatch.setenv("BOATS_TOKEN", token)
    monkeypatch.setenv("PWD", "/var/jenkins_home/workspace/boats_PR-1234")
    monkeypatch.setenv("S3_KEY", "boats/2024/q3-arrivals.csv")
    text = f"{token}, from /var/jenkins_home/workspace/boats_PR-1234/quay.txt by boats/2024/q3-arrivals.csv"
    assert Redactor().text(text) == f"{'*' * len(token)}{text[len(token) :]}"


def test_a_run_that_was_told_its_key_replays_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(sse([{"delta": char} for char in f"no boats for {KEY}"]))
        exchange.finish()

    def run(url: str) -> str:
        with httpx.Client(trust_env=False) as client:
            told = "".join(event["delta"] for event in sse_events(client.post(url).read()))
            client.post(url, json={"said": told}).read()
        return told

    path = tmp_path / "cassette.yaml"
    with loopback(serve) as server, open_tape(path, "once"):
        assert KEY in run(server.url)
    assert Redactor().text(f"no boats for {KEY}") in path.read_text()
    monkeypatch.delenv("BOATS_API_KEY")
    with open_tape(path, "none") as tape:
        assert KEY not in run(server.url)
    assert (tape.unplayed, tape.misses) == ((), ())
