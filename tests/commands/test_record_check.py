"""What has been recorded is checked at once, where that is asked for, and else the command is named that does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.command_line import Run, runner
from tests.servers.openai_chat import OpenAIChatServer

SUBJECTS = "tests.recording.subjects"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture
def server() -> Iterator[OpenAIChatServer]:
    with OpenAIChatServer() as running:
        yield running


def test_a_run_that_asks_otherwise_each_time_does_not_hold_and_is_told_where(
    server: OpenAIChatServer, tmp_path: Path, run: Run
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    said = run("record", f"{SUBJECTS}:ever_new", "-o", out, "--base-url", server.origin, "--check", "--json", report)
    assert said.code == 1
    assert "checked: it does not replay as recorded:" in said.err
    assert "body differs at messages[0].content" in said.err
    checked = json.loads(report.read_text())["check"]
    assert checked["holds"] is False
    assert "body differs at messages[0].content" in checked["reasons"][0]
    assert len(server.requests) == 1, "the check asked the server"
    assert (out / "recording.json").exists()


def test_a_project_has_each_recording_checked(
    server: OpenAIChatServer, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.harness]\ncheck = true\n")
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.chdir(tmp_path)
    said = run("record", f"{SUBJECTS}:text", "-o", "out", "--base-url", server.origin)
    assert said.code == 0
    assert "checked: it replays as it was recorded" in said.err
    assert len(server.requests) == 1


def test_without_a_check_the_command_that_replays_is_named(server: OpenAIChatServer, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "a recording"
    said = run("record", f"{SUBJECTS}:text", "-o", out, "--base-url", server.origin)
    assert said.code == 0
    assert said.err.endswith(f"replay it with: harness replay '{out}'\n")
