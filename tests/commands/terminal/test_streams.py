"""stdout and stderr that nobody reads, that are full or closed: what a command does and ends with stays the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.commands.command_line import Run
from tests.commands.recordings import SUBJECTS, edit_frame
from tests.warm import WarmPython

#: What is called where TEXT is a recording and CHANGED one that fails, and its exit code.
CALLS: dict[str, int] = {
    "replay CHANGED TEXT --junit junit.xml": 1,
    "replay CHANGED --update": 0,
    "diff TEXT CHANGED": 1,
    "show TEXT": 0,
    "export TEXT --to agui": 0,
    "scan TEXT": 0,
    f"record {SUBJECTS}:text --mode none -o TEXT": 0,
}


@contextmanager
def left() -> Iterator[IO[bytes]]:
    """A pipe whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stream:
        yield stream


@pytest.fixture
def changed(copy: Path) -> Path:
    changed = Path(shutil.copytree(copy, copy.with_name("changed")))
    edit_frame(changed)
    return changed


@pytest.mark.parametrize("stream", ["stdout", "stderr", "a full stderr"])
@pytest.mark.parametrize("call", CALLS)
def test_a_command_that_nobody_reads_does_all_that_it_was_asked_for(
    call: str, stream: str, copy: Path, changed: Path, warm_python: WarmPython
) -> None:
    places = {"CHANGED": changed, "TEXT": copy, "junit.xml": copy.with_name("junit.xml")}
    report = copy.with_name("report.json")
    arguments = [places.get(part, part) for part in call.split()]
    with (
        Path("/dev/full").open("wb") if "full" in stream else left() as unread,
        copy.with_name("other").open("w+b") as other,
    ):
        out, err = (unread, other) if stream == "stdout" else (other, unread)
        code = warm_python.run("harness", *arguments, "--json", report, stdout=out, stderr=err)
        other.seek(0)
        said = other.read().decode()
    assert (code, "Traceback" in said) == (CALLS[call], False), said
    assert json.loads(report.read_text())["format"] == f"harness.{arguments[0]}/1"
    assert places["junit.xml"].exists() is ("--junit" in arguments)
    if "--update" in arguments:
        assert " haven" not in (changed / "frames.jsonl").read_text()


def test_a_server_that_nobody_reads_ends(copy: Path, tmp_path: Path, warm_python: WarmPython) -> None:
    with left() as unread, (tmp_path / "err").open("w+b") as err:
        code = warm_python.run("harness", "serve", copy, stdout=unread, stderr=err)
        err.seek(0)
        assert (code, err.read()) == (0, b"")


@pytest.mark.parametrize("call", ["replay", "show", "show --json -", "export --to agui"])
def test_what_does_not_fit_where_stdout_leads_is_told(
    call: str, copy: Path, tmp_path: Path, warm_python: WarmPython
) -> None:
    command, *options = call.split()
    with Path("/dev/full").open("wb") as full, (tmp_path / "err").open("w+b") as err:
        code = warm_python.run("harness", command, copy, *options, stdout=full, stderr=err)
        err.seek(0)
        told = err.read().decode()
    assert code == 2
    assert told.splitlines()[-1] == (
        "error: stdout can't be written: No space left on device; make room, or send it elsewhere"
    )
    assert "Traceback" not in told


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize(
    ("call", "code"), [("show TEXT --json -", 0), ("export TEXT --to agui", 0), ("show nowhere", 2)]
)
def test_a_stream_that_is_closed_takes_what_it_is_given(
    call: str, code: int, name: str, copy: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, name, None)
    assert run(*call.replace("TEXT", str(copy)).split()).code == code
    getattr(sys, name).close()


#: What a run may do to the streams of its process.
ACTS: dict[str, str] = {
    "puts others there": "sys.stdout = sys.stderr = io.StringIO()",
    "puts nothing there": "sys.stdout = sys.stderr = None",
    "wraps them": "sys.stdout = sys.stderr = io.TextIOWrapper(sys.stderr.buffer)",
    "takes them apart": "sys.stdout, sys.stderr = (io.TextIOWrapper(of.detach()) for of in (sys.stdout, sys.stderr))",
    "closes one": "sys.stdout.close()",
    "closes the other": "sys.stderr.close()",
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_a_run_does_to_its_streams_costs_no_command_its_last_word(
    act: str, tmp_path: Path, warm_python: WarmPython
) -> None:
    (tmp_path / "acting.py").write_text(
        "import io, sys\nfrom harness import Flow, start\n\nclass ActingFlow(Flow):\n    @start()\n    def act(self):\n"
        f"        {act}\n"
    )
    for arguments, name, word in (
        (["record", "acting:ActingFlow", "-o", "acted"], "stderr", "recorded 4 frames"),
        (["replay", "acted"], "stdout", "1 passed"),
    ):
        with (tmp_path / "out").open("w+b") as out, (tmp_path / "err").open("w+b") as err:
            code = warm_python.run("harness", *arguments, stdout=out, stderr=err, cwd=tmp_path)
            out.seek(0)
            err.seek(0)
            said = {"stdout": out.read().decode(), "stderr": err.read().decode()}
        assert code == 0, said
        assert word in said[name] or f"{name}.close" in act, said
        assert "Traceback" not in said["stderr"]


@pytest.mark.parametrize("columns", ["0", "1", "5"])
def test_the_narrowest_terminal_shows_what_there_is(
    columns: str, copy: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = run("show", copy).out
    assert "llm_call_started" in re.sub(r"\s", "", shown)
    assert "1 passed" in run("replay", copy).out


@pytest.mark.parametrize("command", ["replay", "conformance --runtime nowhere:Subject"])
def test_a_current_folder_that_is_gone_is_told(
    command: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = run(*command.split())
    assert (said.code, said.err) == (2, "error: the current folder is not there any more; change to one that is\n")
