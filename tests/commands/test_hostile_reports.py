"""Reports that are none, or that somebody has changed: `merge` and `matrix` say so in one line, and wait for nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.shipped import shipped_recording
from tests.commands.command_line import Run, runner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


#: A file that is no report, by its name, and what is said of it.
FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("a folder", lambda path: path.mkdir(), "is a folder"),
    ("deep", lambda path: path.write_bytes(b"[" * 100_000), "nested deeper than 240 levels"),
    ("digits", lambda path: path.write_bytes(b'{"format": ' + b"9" * 5000 + b"}"), "is no report"),
    ("UTF-16", lambda path: path.write_bytes("{}".encode("utf-16")), "is no report"),
    ("nothing", lambda path: path.write_bytes(b""), "is no report"),
    ("control characters", lambda path: path.write_text('{"format": "\\u001b[31m\\u202e"}'), "has the format"),
    ("nowhere", lambda path: None, "No such file"),
]
if sys.platform != "win32":
    FILES += [
        ("FIFO", os.mkfifo, "is a FIFO"),
        ("endless", lambda path: path.symlink_to("/dev/zero"), "is a device"),
        ("loop", lambda path: path.symlink_to(path.name), "symbolic links"),
    ]


@pytest.mark.parametrize("command", ["merge", "matrix"])
@pytest.mark.parametrize(("make", "said"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_what_is_no_report_is_one_line(
    run: Run, tmp_path: Path, command: str, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "report.json")
    ended = run(command, tmp_path / "report.json")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err
    assert not set("\x1b\u202e") & set(ended.err)


#: Where a shard's report is changed, and to what.
CHANGES: list[tuple[tuple[str | int, ...], Any]] = [
    (("shard", "of"), 10**12),
    (("shard", "of"), True),
    (("shard", "total"), "1"),
    (("shard", "index"), [1]),
    (("summary",), None),
    (("summary", "seconds"), []),
    (("results",), 1),
    (("results", 0), []),
    (("results", 0, "path"), 7),
    (("results", 0, "status"), "\x1b[31m"),
    (("results", 0, "frames"), "<script>"),
    (("results", 0, "text"), 1.5),
    (("results", 0, "tool_calls"), None),
    (("results", 0, "usage", "prompt_tokens"), {}),
    (("results", 0, "violations"), -1),
    (("results", 0, "violations"), [{}]),
    (("results", 0, "diff"), [[1]]),
    (("results", 0, "message"), True),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    import harness.commands

    path = tmp_path_factory.mktemp("shard") / "report.json"
    with pytest.raises(SystemExit):
        harness.commands.main(["replay", str(shipped_recording("openai/text")), "--shard", "1/1", "--json", str(path)])
    return path.read_text("utf-8")


@pytest.mark.parametrize(("where", "value"), CHANGES, ids=[f"{where} {value}" for where, value in CHANGES])
def test_a_report_that_was_changed_is_one_line_and_makes_no_other(
    run: Run, tmp_path: Path, report: str, where: tuple[Any, ...], value: Any
) -> None:
    document = part = json.loads(report)
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    (tmp_path / "report.json").write_text(json.dumps(document), encoding="utf-8")
    made = [tmp_path / name for name in ("out.json", "out.xml")]
    ended = run("merge", tmp_path / "report.json", "--json", made[0], "--junit", made[1], "--html", tmp_path / "html")
    assert (ended.code, ended.out, ended.err.count("\n"), len(ended.err) < 500) == (2, "", 1, True)
    assert "\x1b" not in ended.err
    assert [path for path in (*made, tmp_path / "html") if path.exists()] == []


def test_a_report_as_it_was_written_is_merged(run: Run, tmp_path: Path, report: str) -> None:
    (tmp_path / "report.json").write_text("\ufeff" + report, encoding="utf-8")
    assert run("merge", tmp_path / "report.json").code == 0
