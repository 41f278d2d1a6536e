"""`harness init` gives what works at once: a flow, a recording that replays, and a test that passes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.commands.command_line import Run


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("named", [(), ("a b/my project",)], ids=["here", "there"])
def test_what_is_written_replays_and_its_test_passes_without_a_key(named: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*named)
    written = command(tmp_path, "harness", "init", *named)
    assert (written.returncode, written.stderr) == (0, "")
    recording = Path(*named, "cassettes/story")
    assert f"wrote {recording}, a recording of it: 57 frames, 2 requests" in written.stdout
    assert [line for line in written.stdout.splitlines() if "cd " in line] == ["  cd 'a b/my project'" for _ in named]
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {"story.py", "test_story.py", "cassettes"}

    replayed = command(folder, "harness", "replay")
    assert "1 passed, 0 failed" in replayed.stdout
    tested = command(folder, "pytest", "-q", "-p", "no:cacheprovider")
    assert "1 passed" in tested.stdout


@pytest.mark.parametrize("name", ["story.py", "test_story.py", "cassettes/story"])
def test_what_is_there_already_stays_and_nothing_is_written(
    name: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("mine")
    said = run("init")
    assert said.code == 2
    assert f"'{name}' is there already, and stays as it is; start in an empty folder" in said.err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


@pytest.mark.parametrize(
    ("end", "code"),
    [(KeyboardInterrupt(), 130), (OSError(errno.ENOSPC, "No space left on device", "story.py"), 2)],
    ids=["Ctrl-C", "a full disk"],
)
def test_without_a_recording_nothing_is_written_and_it_can_be_tried_again(
    end: BaseException, code: int, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("harness.recording.record", Mock(side_effect=end))
        assert run("init").code == code
        assert run("init", "new").code == code
    assert list(tmp_path.iterdir()) == []
    said = run("init", "--json", "-")
    # The command imports its flow in this process, in which others have one of that name.
    assert "story" not in sys.modules
    assert [entry for entry in sys.path if ".harness-init-" in entry] == []
    assert (said.code, said.document["recording"]) == (0, "cassettes/story")
    assert "wrote story.py" in said.err
