"""What all commands do alike: help with an example, colour where it is wanted, a reader that leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.commands import COMMANDS
from harness.recording import Target, record
from tests.commands.command_line import ROOT, Run, environment, runner
from tests.commands.recordings import SUBJECTS
from tests.warm import WarmPython


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, run: Run) -> None:
    said = run(command, "--help")
    assert said.code == 0
    assert f"harness {command} " in said.out.partition("Example:")[2]
    assert "--json" in said.out
    # It writes the documents of those that it joins.
    assert (f'"harness.{command}/1"' in said.out) is (command != "merge")


def test_what_ends_the_process_in_the_middle_of_a_command_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.recording.timelines.timelines_of", lambda path: sys.exit("gone"))
    said = run("show", "text")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        "error: the command was ended before its time: what it loaded or called raised SystemExit("
    )


def test_what_a_run_prints_is_no_part_of_the_document(tmp_path: Path, warm_python: WarmPython) -> None:
    record(Target(f"{SUBJECTS}:TalkingFlow"), tmp_path / "talk")
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        warm_python.run("harness", "replay", tmp_path / "talk", "--json", "-", stdout=out, stderr=err)
    assert json.loads((tmp_path / "out").read_text())["summary"]["passed"] == 1
    assert "a flow has printed this\nand a program that\n" in (tmp_path / "err").read_text()


def test_a_program_that_calls_a_command_keeps_its_stdout(recorded: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert runner(capfd)("show", recorded, "--json", "-").document["timelines"]
    print("of the program")
    assert capfd.readouterr() == ("of the program\n", "")


def test_a_shell_that_completes_a_line_is_answered_on_stdout() -> None:
    variables = environment(_HARNESS_COMPLETE="bash_complete", COMP_WORDS="harness show --json - --ht", COMP_CWORD="4")
    command = [sys.executable, "-m", "harness"]
    done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "plain,--html\n"


@pytest.mark.parametrize(
    "call",
    [
        "replay TEXT --json folder",
        "replay TEXT --junit folder",
        "replay TEXT --html file",
        "replay TEXT --html /dev/null",
        "replay TEXT --html file/deeper",
        "replay TEXT --json file/deeper/report",
        "replay TEXT --sarif sealed/report",
        "replay TEXT --markdown -",
        "conformance --write-expect -",
        "show TEXT --html -",
        "diff TEXT TEXT --html folder",
        "pack folder -o -",
        "unpack file -o -",
        "record anything:at_all -o -",
        "record anything:at_all --output=",
        "replay TEXT --json=",
        "replay TEXT --json both --junit ../TMP/both",
    ],
)
def test_what_can_not_be_written_is_refused_before_anything_is_run(
    call: str, recorded: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    Path("sealed").mkdir(mode=0o500)
    if "sealed" in call and os.access("sealed", os.W_OK):
        pytest.skip("this user may write everywhere")
    said = run(*(recorded if part == "TEXT" else part.replace("TMP", tmp_path.name) for part in call.split()))
    assert (said.code, said.out, "Error: Invalid value for '-" in said.err) == (2, "", True)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file", "sealed"}


def test_a_report_replaces_a_file_that_nobody_may_read(recorded: Path, tmp_path: Path, run: Run) -> None:
    report = tmp_path / "report"
    report.touch(mode=0o200)
    assert run("replay", recorded, "--junit", report).code == 0
    assert report.stat().st_size > 0


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="the system has no such folder")
def test_a_folder_of_devices_holds_files_like_any_other(recorded: Path, run: Run) -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        report = Path(folder, "report")
        for _ in range(2):
            assert run("replay", recorded, "--json", report).code == 0
            assert json.loads(report.read_bytes())["format"] == "harness.replay/1"
            report.write_bytes(report.read_bytes() + b"of an earlier run")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("--version",), "stream-harness unknown"),
        (("export", "TEXT", "--to", "otel"), '"version":"unknown"'),
        (("replay", "TEXT", "--sarif", "/dev/stdout"), '"version": "unknown"'),
        (("conformance", "--clause", "entry.llm"), "harness unknown: MUST 1 passed"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_checkout_that_is_not_installed_has_every_command(
    arguments: tuple[str, ...], shown: str, recorded: Path
) -> None:
    program = """
import sys
from importlib import metadata
found = metadata.Distribution.from_name
def from_name(name):
    if name == "stream-harness":
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.Distribution.from_name = from_name
from harness.commands import main
main(sys.argv[1:])
"""
    command = [str(recorded) if part == "TEXT" else part for part in arguments]
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert shown in done.stdout
