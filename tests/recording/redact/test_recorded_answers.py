"""Answers with sample code, and with secrets, are recorded, hold none afterwards, are clean to the scan, and replay."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.recording import Target, record, replay_recording, scan
from tests.recording.redact.innocent_texts import CODE, PLACEHOLDERS, PROSE
from tests.recording.redact.planted_secrets import BY_FORM, opaque
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import Call, Scenario, say

SUBJECTS = "tests.recording.redact.answering_subjects"
PROMPT = "Show me."
PASSWORD = opaque("a password of a tool", 14)
KEY = next(planted for planted in BY_FORM if planted.id == "anthropic")

#: By what is said of it: an answer, and the part of it that may not be in any file.
ANSWERS = {
    "sample code and prose": ("\n".join((*CODE, *PLACEHOLDERS, *PROSE)), ""),
    "assigned": (f'Set it first:\n\npassword = "{PASSWORD}"\nconnect()', PASSWORD),
    "JSON with a password": (json.dumps({"user": "me", "password": PASSWORD, "age": 42, "secrets": 3}), PASSWORD),
    "password beyond ASCII": (json.dumps({"password": f"{PASSWORD}äß→😀"}, ensure_ascii=False), PASSWORD),
    "key": (f"It is {KEY.value}, keep it.", KEY.core),
    "command": (f"curl -u me:{PASSWORD} https://example.com/?code=404", PASSWORD),
}


def recorded(target: str, out: Path, scenarios: dict[str, Scenario], **inputs: str) -> str:
    """Record a target; return all that its recording holds."""
    with OpenAIChatServer(scenarios) as server:
        done = record(Target(f"{SUBJECTS}:{target}", inputs=inputs), out, base_url=server.origin)
    assert done.error is None
    return "".join("".join(file.read_text().split()) for file in out.iterdir())


def assert_holds(folder: Path) -> None:
    assert scan([folder], now=datetime.now(UTC)) == []
    replayed = replay_recording(folder)
    assert replayed.differences == []
    assert replayed.error is None


@pytest.mark.parametrize(("text", "secret"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_recorded_and_replays_equal(text: str, secret: str, tmp_path: Path) -> None:
    written = recorded("answer", tmp_path / "r", {"it": Scenario(PROMPT, (say(text),))}, prompt=PROMPT)
    (result,) = json.loads((tmp_path / "r" / "recording.json").read_text())["outcome"]["results"]
    if secret:
        assert secret not in written
        assert len(result) == len(text)
    else:
        assert result == text
    assert_holds(tmp_path / "r")


def test_a_tool_argument_named_password_replays_equal(tmp_path: Path) -> None:
    call = Call("log_in", json.dumps({"user": "me", "password": PASSWORD}))
    scenarios = {"in": Scenario("Log me in.", (say(call),), needs=frozenset({"tools"})), "of": Scenario("It came to this:", (say("Good."),))}  # fmt: skip
    assert PASSWORD not in recorded("LogInFlow", tmp_path / "r", scenarios)
    assert_holds(tmp_path / "r")


def test_a_result_with_a_password_replays_equal_and_its_numbers_are_the_numbers(tmp_path: Path) -> None:
    account = {"user": "me", "password": PASSWORD, "pin": 1234, "credentials": 3, "secret": 17}
    written = recorded("ParsingFlow", tmp_path / "r", {"it": Scenario("Make an account.", (say(json.dumps(account)),))})
    assert PASSWORD not in written
    (result,) = json.loads((tmp_path / "r" / "recording.json").read_text())["outcome"]["results"]
    assert result == {**account, "password": "*" * len(PASSWORD)}
    assert_holds(tmp_path / "r")
