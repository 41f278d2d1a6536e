"""What each command looks like: no line of ours is too long for a terminal, and where nobody watches there are no codes."""

from __future__ import annotations

import io
import re
import shutil
import sys
import threading
from pathlib import Path

import pytest

import harness.commands
from harness.commands import COMMANDS
from harness.commands.output import fitted
from harness.commands.progress import at_work
from tests.recording.support.remade import SHIPPED

#: What moves the cursor or changes how text looks.
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOURS = re.compile(r"\x1b\[(?:3|4|9|10)[0-9]")

#: Command → what it is called with: as it should be, with what is not there, and with what is empty.
CALLS: dict[str, tuple[str, ...]] = {
    "init": ("--help", "--inti", "."),
    "record": ("--help", "harness.shipped.targets:openai.text --mode none -o text", "nowhere:Flow -o out", "text/x.py:Flow -o out", "harness.shipped.targets:opneai.text -o out --mode none", "harness.shipped.targets:openai.text -o empty.yaml"),
    "replay": ("--help", "text changed", "in/a/folder/whose/name/leaves/little/of/a/line/text", "nowhere", "empty empty.yaml binary.yaml"),
    "show": ("--help", "text", "text --channel tools", "text --html text.html", "nowhere", "empty", "empty.yaml", "binary.yaml"),
    "diff": ("--help", "text text", "text changed", "text empty"),
    "export": ("--help", "text --to agui -o text.jsonl", "text --to nothing", "empty --to otel"),
    "conformance": ("--help", "--clause no.such", "--runtime nowhere:Subject", "--expect empty.yaml"),
    "merge": ("--help", "one.json two.json", "one.json", "nowhere.json", "empty.yaml"),
    "matrix": ("--help", "", "nowhere.json", "empty.yaml"),
    "scan": ("--help", "text changed", "nowhere", "empty", "empty.yaml binary.yaml"),
    "serve": ("--help", "", "empty", "nowhere", "--app nowhere:Flow", "text --fault nothing"),
    "pack": ("--help", "text -o text.pack", "nowhere -o x.pack", "empty -o x.pack"),
    "unpack": ("--help", "some.pack -o unpacked", "nowhere -o x", "empty.yaml -o x"),
}  # fmt: skip
LINES = [(command, *call.split()) for command, calls in CALLS.items() for call in calls]


class Terminal(io.StringIO):
    """A stream that a person watches, until a text that they wait for has come."""

    def __init__(self) -> None:
        super().__init__()
        self._grew = threading.Condition()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._grew:
            written = super().write(text)
            self._grew.notify_all()
        return written

    def wait_for(self, text: str) -> None:
        with self._grew:
            assert self._grew.wait_for(lambda: text in self.getvalue(), timeout=20), self.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the calls name."""
    made = tmp_path_factory.mktemp("terminal")
    shutil.copytree(SHIPPED / "openai" / "text", made / "text")
    shutil.copytree(SHIPPED / "openai" / "text", made / "in/a/folder/whose/name/leaves/little/of/a/line/text")
    shutil.copytree(SHIPPED / "openai" / "text", made / "changed")
    frames = made / "changed" / "frames.jsonl"
    frames.write_text(frames.read_text().replace("calm", "rough and dark and no place for a boat of any size"))
    (made / "empty").mkdir()
    (made / "empty.yaml").touch()
    (made / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for number, name in enumerate(("one", "two"), start=1):
        _call("replay", str(made / "text"), "--shard", f"{number}/2", "--json", str(made / f"{name}.json"))
    _call("pack", str(made / "text"), "-o", str(made / "some.pack"))
    return made


def _call(*arguments: str) -> None:
    with pytest.raises(SystemExit):
        harness.commands.main(arguments)


def watch(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal of 80 columns, to which both streams go from now on."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_every_command_is_looked_at() -> None:
    assert CALLS.keys() == COMMANDS.keys(), (
        "add a line to CALLS: as the command is to be called, with what is not there, and with what is empty"
    )


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_80_columns_hold_what_a_command_says(
    line: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    terminal = watch(monkeypatch)
    _call(*line)
    said = _CODES.sub("", terminal.getvalue())
    assert said.strip()
    # Progress is written over itself.
    too_long = [shown for text in said.split("\n") for shown in text.split("\r") if len(shown.rstrip()) > 80]
    assert too_long == []
    assert "Traceback" not in said


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_what_is_piped_holds_no_codes_and_no_line_is_filled_up(
    line: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    _call(*line)
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert "\x1b" not in said
    assert [shown for shown in said.splitlines() if shown.endswith(" ")] == []


@pytest.mark.parametrize("line", ["show text", "diff text changed", "scan text"])
def test_what_is_piped_is_as_wide_as_it_is(
    line: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    piped = []
    for columns in ("30", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        _call(*line.split())
        piped.append(capsys.readouterr().out)
    assert piped[0] == piped[1] != ""


@pytest.mark.parametrize(
    ("name", "value", "codes"), [("NO_COLOR", "1", _COLOURS), ("TERM", "dumb", re.compile("\x1b"))]
)
def test_colours_can_be_switched_off(
    name: str, value: str, codes: re.Pattern[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    terminal = watch(monkeypatch)
    _call("diff", "text", "changed")
    assert _COLOURS.search(terminal.getvalue())
    terminal.truncate(0)
    monkeypatch.setenv(name, value)
    for line in ("diff text changed", "replay text changed", "show text", "scan changed"):
        _call(*line.split())
    assert codes.search(terminal.getvalue()) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("error: a word", "error: a word"),
        ("error: one two three four five", "error: one two three\n  four five"),
        ("    a b c d e f g h i j k l m", "    a b c d e f g h\n      i j k l m"),
        ("error: /a/path/that/is/longer/than/that", "error:\n  /a/path/that/is/longer/than/that"),
        ("wide    apart    columns", "wide    apart\n  columns"),
    ],
)
def test_a_long_line_is_wrapped_at_spaces_and_indented(text: str, shown: str) -> None:
    assert fitted(text, 20) == shown


def test_what_takes_longer_than_a_moment_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.commands.progress._MOMENT_S", 0.0)
    terminal = watch(monkeypatch)
    with at_work("reading one") as work:
        assert work._begun is not None
        work._begun.join(20)
        work.say("reading two\x1b[2J")
    assert "reading two\\x1b[2J" in terminal.getvalue()


def test_what_takes_a_moment_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watch(monkeypatch)
    with at_work("reading one"):
        pass
    assert terminal.getvalue() == ""
