"""What is no plain file in the place of one, and links that lead astray: each is one line, and nothing is waited for or followed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UnreadableRecordingError
from harness.recording.glance import sdk_of
from harness.recording.serve.served import load_served
from harness.shipped import shipped_recording
from tests.commands.command_line import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs, and links need rights, here")
TARGET = "harness.shipped.targets:openai.text"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def outside(path: Path) -> None:
    """A link to a file that would do, but lies elsewhere."""
    elsewhere = path.parents[2] / "elsewhere"
    shutil.copytree(shipped_recording("openai/text"), elsewhere)
    path.symlink_to(elsewhere / ("cassette.yaml" if path.suffix == ".yaml" else path.name))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "all"
    shutil.copytree(shipped_recording("openai/text"), root / "healthy")
    return root


#: By what stands there: what is said of it as a plain cassette, and as a part of a recording.
KINDS: list[tuple[Callable[[Path], None], str, str]] = [
    (fifo, "is a FIFO; expected a plain file", "is a FIFO; expected a plain file"),
    (endless, "is a link that leads out", "is a link that leads out"),
    (loop, "is a link that leads nowhere", "symbolic links"),
    (outside, "is a link that leads out", "is a link that leads out"),
]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_special_files_among_cassettes_are_one_result_each(run: Run, folder: Path, workers: str) -> None:
    (folder / "nested").mkdir()
    kinds = sorted(KINDS, key=lambda kind: kind[0].__name__)
    for make, _, _ in kinds:
        make(folder / "nested" / f"{make.__name__}.yaml")
        assert sdk_of(folder / "nested" / f"{make.__name__}.yaml") in ("", "openai")
    result = run("replay", folder, "--json", "-", "-n", workers)
    healthy, *special = result.document["results"]
    findings = run("scan", folder, "--json", "-").document["findings"]
    assert (result.code, healthy["status"]) == (2, "passed")
    for ended, finding, (make, message, _) in zip(special, findings, kinds, strict=True):
        assert (Path(ended["path"]).stem, ended["status"]) == (make.__name__, "error")
        assert message in ended["message"]
        assert message in finding["message"]


@pytest.mark.parametrize("name", ["recording.json", "cassette.yaml", "frames.jsonl"])
@pytest.mark.parametrize(("make", "_", "said"), KINDS, ids=[make.__name__ for make, _, _ in KINDS])
def test_a_special_file_in_a_recording_is_one_line(
    run: Run, folder: Path, make: Callable[[Path], None], _: str, said: str, name: str
) -> None:
    recording = folder / "recording"
    shutil.copytree(folder / "healthy", recording)
    (recording / name).unlink()
    make(recording / name)
    result = run("replay", folder, "--json", "-")
    healthy, special = result.document["results"]
    assert (result.code, healthy["status"], special["status"]) == (2, "passed", "error")
    # A system has words of its own for a link to itself, and a recording without its first file is told as that.
    assert said in special["message"] or (make is loop and "\n" not in special["message"])
    reads = {"recording.json": True, "frames.jsonl": True, "cassette.yaml": make in (endless, outside)}[name]
    for command in (("show", recording), ("diff", recording, folder / "healthy")):
        ended = run(*command)
        assert (ended.code, ended.err.count("\n")) == ((2, 1) if reads else (0, 0)), ended
    assert run("scan", folder).code in (1, 2)
    if name != "frames.jsonl" or make in (endless, outside):
        with pytest.raises(UnreadableRecordingError):
            load_served(recording)


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("/", "is the folder that you are in, or one around it"),
        (".", "is the folder that you are in, or one around it"),
        ("fifo", "is no folder"),
        ("fifo/inner", "which is no folder"),
        ("file/inner", "which is no folder"),
        ("/dev/null", "is no folder"),
        ("loop", "is a link that leads to itself"),
        ("x" * 300, "File name too long"),
    ],
)
@pytest.mark.parametrize("options", [("--mode", "none", TARGET), ("--accept",)], ids=["record", "accept"])
def test_no_recording_is_made_where_none_can_be(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], out: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fifo(tmp_path / "fifo")
    loop(tmp_path / "loop")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.iterdir())
    ended = run("record", *options, "-o", out)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
    assert sorted(tmp_path.iterdir()) == before
