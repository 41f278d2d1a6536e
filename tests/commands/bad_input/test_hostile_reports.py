"""Reports that are none, or that somebody has changed: `merge` and `matrix` say so in one line, and wait for nothing."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from harness.shipped import shipped_recording
from tests.commands.bad_input.odd_files import ODD_FILES
from tests.commands.command_line import Run

#: What is said of a file that is no report.
SAID = {
    "folder": "is a folder",
    "deep": "nested deeper than 240 levels",
    "digits": "is no report",
    "UTF-16": "is no report",
    "nothing": "is no report",
    "control characters": "has the format",
    "nowhere": "No such file",
    "4 GiB": "is larger than 256 MiB",
    "FIFO": "is a FIFO",
    "endless": "is a device",
    "loop": "symbolic links",
}


@pytest.mark.parametrize("command", ["merge", "matrix"])
@pytest.mark.parametrize("kind", ODD_FILES)
def test_what_is_no_report_is_one_line(run: Run, tmp_path: Path, command: str, kind: str) -> None:
    ODD_FILES[kind](tmp_path / "report.json")
    ended = run(command, tmp_path / "report.json")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert SAID[kind] in ended.err
    assert not set("\x1b\u202e") & set(ended.err)


#: More of nothing than is opened, in far less than may be carried.
ENDLESS = base64.b64encode(zlib.compress(bytes(65 << 20), 1)).decode()
#: Where a shard's report is changed, and to what.
CHANGES: list[tuple[tuple[str | int, ...], Any]] = [
    (("shard", "of"), 10**12),
    (("shard", "of"), True),
    (("shard", "index"), [1]),
    (("shard", "runs"), [{"result": 0}]),
    (("shard", "runs"), [{"result": [], "frames": ""}]),
    (("shard", "runs"), [{"result": 0, "frames": "~"}]),
    (("shard", "runs"), [{"result": 0, "frames": "AAAA"}]),
    (("shard", "runs"), [{"result": 0, "frames": ENDLESS}]),
    (("results", 0, "path"), 7),
    (("results", 0, "status"), "\x1b[31m"),
    (("results", 0, "frames"), "<script>"),
    (("results", 0, "usage", "prompt_tokens"), {}),
    (("results", 0, "violations"), [{}]),
    (("results", 0, "diff"), [[1]]),
]


#: The same for a shard of the suite.
SUITE_CHANGES: list[tuple[tuple[str | int, ...], Any]] = [
    (("shard", "plan", "subject", "name"), ["\x1b[31m"]),
    (("shard", "plan", "subject", "capabilities"), "flow"),
    (("shard", "plan", "subject", "strange"), 1),
    (("shard", "plan", "parts", 0, "scenarios"), "entry"),
    (("shard", "plan", "parts", 0, "scenarios", 0), "no/such\nscenario"),
    (("shard", "plan", "clauses"), [1]),
    (("shard", "plan", "shown"), "all"),
    (("shard", "runs"), [{"scenario": "s", "label": "", "violations": [], "frames": ENDLESS}]),
    (("shard", "results"), []),
    (("shard", "results", 0), "passed"),
    (("shard", "results", 0, "scenario"), "close/other"),
    (("shard", "results", 0, "decisions", 0, "status"), "\x1b[32mpassed"),
    (("shard", "results", 0, "decisions", 0, "violations"), [{"seq": "1", "message": "m"}]),
    (("shard", "results", 0, "decisions", 0, "violations"), [{"seq": 1}]),
]

#: Where a whole report of the suite is changed, and to what.
WHOLE_CHANGES: list[tuple[tuple[str | int, ...], Any]] = [
    (("subject", "name"), {}),
    (("subject", "capabilities"), None),
    (("summary", "must"), None),
    (("summary", "must", "passed"), "\x1b[31m"),
    (("command",), ["rm"]),
    (("clauses", 0), "entry.flow"),
    (("clauses", 0, "status"), "well"),
    (("clauses", 0, "checks", 0, "scenario"), []),
    (("clauses", 0, "checks", 0, "violations"), [{"message": 1, "seq": None}]),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A report of a shard of a replay, one of the suite, and a whole one."""
    import harness.commands

    folder = tmp_path_factory.mktemp("reports")
    suite = ("conformance", "--clause", "entry.flow")
    commands = {
        "replay": ("replay", str(shipped_recording("openai/text")), "--shard", "1/1"),
        "suite": (*suite, "--shard", "1/1"),
        "whole": suite,
    }
    for name, command in commands.items():
        with pytest.raises(SystemExit):
            harness.commands.main([*command, "--json", str(folder / name)])
    return {name: (folder / name).read_text("utf-8") for name in commands}


@pytest.fixture(scope="module")
def report(written: dict[str, str]) -> str:
    return written["replay"]


CHANGED = [
    *(("merge", "replay", *row) for row in CHANGES),
    *(("merge", "suite", *row) for row in SUITE_CHANGES),
    *(("matrix", "whole", *row) for row in WHOLE_CHANGES),
]


@pytest.mark.parametrize(
    ("command", "which", "where", "value"),
    CHANGED,
    ids=[f"{which} {where} {value}"[:80] for _, which, where, value in CHANGED],
)
def test_a_report_that_was_changed_is_one_line_and_makes_no_other(
    run: Run, tmp_path: Path, written: dict[str, str], command: str, which: str, where: tuple[Any, ...], value: Any
) -> None:
    document = part = json.loads(written[which])
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    (tmp_path / "report.json").write_text(json.dumps(document), encoding="utf-8")
    if command == "matrix":
        ended = run("matrix", tmp_path / "report.json", "--json", tmp_path / "out.json", "--html", tmp_path / "html")
        assert (ended.code, ended.out, ended.err.count("\n"), len(ended.err) < 500) == (2, "", 1, True)
        assert ("\x1b" in ended.err, (tmp_path / "out.json").exists(), (tmp_path / "html").exists()) == (False,) * 3
        return
    made = [tmp_path / name for name in ("out.json", "out.xml")]
    ended = run("merge", tmp_path / "report.json", "--json", made[0], "--junit", made[1], "--html", tmp_path / "html")
    assert (ended.code, ended.out, ended.err.count("\n"), len(ended.err) < 500) == (2, "", 1, True)
    assert "\x1b" not in ended.err
    assert [path for path in (*made, tmp_path / "html") if path.exists()] == []


def test_a_report_as_it_was_written_is_merged(run: Run, tmp_path: Path, report: str) -> None:
    (tmp_path / "report.json").write_text("\ufeff" + report, encoding="utf-8")
    assert run("merge", tmp_path / "report.json").code == 0
