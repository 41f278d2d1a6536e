"""What has been recorded is checked at once, where that is asked for, and else the command is named that does it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.command_line import Run
from tests.commands.recordings import SUBJECTS
from tests.recording.support.loopback import loopback
from tests.recording.test_unframed_calls import answer
from tests.servers.openai.chat import OpenAIChatServer


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


@pytest.mark.parametrize(
    "options", [(), ("--ignore", "metadata.run"), ("--normalize", "$..run=[0-9a-f-]{36}")], ids=str
)
def test_what_is_not_to_be_compared_is_not_in_the_check_nor_in_the_command_that_is_named(
    options: tuple[str, ...], tmp_path: Path, run: Run
) -> None:
    out = tmp_path / "out"
    target = "tests.recording.support.unframed_subjects:NumberedFlow"
    with loopback(answer) as chat:
        said = run("record", target, "-o", out, "--base-url", chat.url, "--check", *options)
        assert said.code == (0 if options else 1)
        assert ("checked: it replays as it was recorded" in said.err) is bool(options)
        named = run("record", target, "-o", out, "--mode", "none", *options).err.splitlines()[-1]
        assert run(*shlex.split(named)[4:]).code == (0 if options else 1)


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


def test_a_folder_whose_name_begins_with_a_dash_is_checked_and_named_as_a_folder(
    server: OpenAIChatServer, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.chdir(tmp_path)
    said = run("record", f"{SUBJECTS}:text", "-o", "./-d1", "--base-url", server.origin, "--check")
    assert (said.code, said.err.splitlines()[-1]) == (0, "checked: it replays as it was recorded")
    said = run("record", f"{SUBJECTS}:text", "-o", "./-d1")
    assert said.err.endswith("replay it with: harness replay ./-d1\n")
