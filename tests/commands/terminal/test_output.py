"""What reaches a terminal: text as it is, and nothing that a terminal would obey, from any command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness.commands
from harness.commands.output import console_for
from harness.recording import Target, record
from harness.recording.export import PROTOCOLS
from harness.terminal import shown
from tests.commands.command_line import Run
from tests.commands.recordings import SUBJECTS
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import SCENARIOS, Completion, Scenario
from tests.warm import WarmPython

#: Clears the screen, sets the title, hides text, turns the writing, and looks like markup.
HOSTILE = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202eevil\u2066 \x08\x7f [red]x[/nope] :smile: \rgone"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: No slash, which no name of a file has.
NAME = HOSTILE.replace("/", "|")


@pytest.mark.parametrize(
    ("text", "line", "lines"),
    [
        ("plain", "plain", "plain"),
        ("naïve 漢字 שלום عربي 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \u200f", None, None),
        ("[bold]x[/bold] :smile:", None, None),
        ("one\n\ttwo\r\nthree", r"one\n\ttwo\r\nthree", "one\n\ttwo\nthree"),
        ("a\rb", r"a\rb", r"a\rb"),
        ("\x1b[31m", r"\x1b[31m", r"\x1b[31m"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("\u2028\ud800", r"\u2028\ud800", r"\u2028\ud800"),
    ],
)  # fmt: skip
def test_text_is_shown_as_it_is_and_what_is_obeyed_is_escaped(text: str, line: str | None, lines: str | None) -> None:
    assert shown(text) == (text if line is None else line)
    assert shown(text, lines=True) == (text if lines is None else lines)
    assert shown(shown(text)) == shown(text)


def test_a_console_knows_neither_markup_nor_names_of_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    console_for(None).print("[red]x[/nope] :smile: 'a' 1")
    assert capsys.readouterr().out == "[red]x[/nope] :smile: 'a' 1\n"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings, cassettes and more whose names, texts and targets are meant for the terminal."""
    root = tmp_path_factory.mktemp("hostile") / NAME
    root.mkdir()
    scenario = Scenario(SCENARIOS["text"].prompt, (Completion(f"It says {HOSTILE}"),))
    with OpenAIChatServer({"text": scenario}) as server:
        record(Target(f"{SUBJECTS}:text"), root / NAME, base_url=server.origin)
    shutil.copytree(root / NAME, root / "changed")
    frames = root / "changed" / "frames.jsonl"
    frames.write_text(frames.read_text().replace("It says", "It tells"))
    for name, part in (("target", "target"), ("entry", "entry"), ("origin", "origin")):
        shutil.copytree(root / NAME, root / name)
        path = root / name / "recording.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), part: HOSTILE}))
    shutil.copy(root / NAME / "cassette.yaml", root / f"{NAME}.yaml")
    (root / f"broken{NAME}.yaml").write_text(f"version: 1\ninteractions:\n- {json.dumps(HOSTILE)}\n")
    (root / f"tag{NAME}.yaml").write_text("interactions: !<\\x1b[2J> []\n")
    return root


def record_again(root: Path, out: Path) -> list[Any]:
    return ["record", f"{SUBJECTS}:text", "--mode", "none", "-o", root / NAME]


COMMANDS: dict[str, Callable[[Path, Path], list[Any]]] = {
    "record": record_again,
    "record to": lambda root, out: ["record", f"{SUBJECTS}:text", "--mode", "none", "-o", out / NAME],
    "record what": lambda root, out: ["record", HOSTILE, "-o", out / "a"],
    "record --accept": lambda root, out: ["record", "--accept", "-o", out / NAME],
    "replay": lambda root, out: ["replay", root],
    "replay --json": lambda root, out: ["replay", root, "--json", "-"],
    "show": lambda root, out: ["show", root / NAME],
    "show a cassette": lambda root, out: ["show", root / f"{NAME}.yaml"],
    "show --json": lambda root, out: ["show", root / NAME, "--json", "-"],
    "show --html": lambda root, out: ["show", root / NAME, "--html", out / f"{NAME}.html"],
    "export": lambda root, out: ["export", root / NAME, "--to", "agui"],
    "matrix": lambda root, out: ["matrix", root / f"broken{NAME}.yaml", "--html", out],
    "diff": lambda root, out: ["diff", root / NAME, root / "changed"],
    "conformance": lambda root, out: ["conformance", "--provider", root / NAME, "--clause", "llm.sequence"],
    "conformance of nothing": lambda root, out: ["conformance", "--provider", HOSTILE],
    "scan": lambda root, out: ["scan", root],
    "serve": lambda root, out: ["serve", root / f"broken{NAME}.yaml"],
    "serve --app": lambda root, out: ["serve", "--app", HOSTILE],
    "pack": lambda root, out: ["pack", root, "-o", out / NAME],
    "unpack": lambda root, out: ["unpack", root / f"{NAME}.yaml", "-o", out / NAME],
    "no command": lambda root, out: [HOSTILE],
    "no option": lambda root, out: ["show", f"--{HOSTILE}"],
    "no path": lambda root, out: ["replay", HOSTILE],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_writes_what_a_terminal_obeys(name: str, hostile: Path, tmp_path: Path, run: Run) -> None:
    said = run(*COMMANDS[name](hostile, tmp_path))
    written = said.out + said.err
    assert written
    assert "Traceback" not in written
    assert OBEYED.findall(written) == []
    if name != "no option":  # click shows but its first letter
        assert re.search(r"\\(x1b|u001b)", written)


#: What is written where OUT stands.
FILES: dict[str, tuple[str, ...]] = {
    "a page": ("show", "PATH", "--html", "OUT"),
    "two timelines": ("diff", "PATH", "CHANGED", "--html", "OUT"),
    "frames": ("show", "PATH", "--json", "OUT"),
    **{to: ("export", "PATH", "--to", to, "-o", "OUT") for to in PROTOCOLS},
    **{
        option: ("replay", "PATH", option, "OUT") for option in ("--json", "--junit", "--markdown", "--sarif", "--html")
    },
}


@pytest.mark.parametrize("kind", FILES)
def test_no_file_that_a_command_writes_holds_what_a_terminal_obeys(
    kind: str, hostile: Path, tmp_path: Path, run: Run
) -> None:
    places = {"PATH": hostile / NAME, "CHANGED": hostile / "changed", "OUT": tmp_path / "out"}
    assert run(*(places.get(part, part) for part in FILES[kind])).code in (0, 1)
    out = tmp_path / "out"
    written = [path.read_text("utf-8") for path in (out.rglob("*") if out.is_dir() else [out]) if path.is_file()]
    assert written
    assert [OBEYED.findall(text) for text in written] == [[]] * len(written)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are texts here")
@pytest.mark.parametrize("kind", FILES)
def test_a_path_that_is_no_utf_8_is_no_end_of_what_a_command_writes(
    kind: str, hostile: Path, tmp_path: Path, run: Run
) -> None:
    path = tmp_path / os.fsdecode(b"no \xff") / "changed"
    shutil.copytree(hostile / "changed", path)
    places = {"PATH": path, "CHANGED": path, "OUT": tmp_path / "out"}
    said = run(*(places.get(part, part) for part in FILES[kind]))
    assert said.code == (1 if "replay" in FILES[kind] else 0), said.err
    out = tmp_path / "out"
    written = "".join(file.read_text("utf-8") for file in (out.rglob("*") if out.is_dir() else [out]) if file.is_file())
    assert ("/no%20%FF/changed" in written) is (kind == "--sarif")


def test_the_commands_above_are_all() -> None:
    # What `init` writes is its own, and `merge` reads reports, which hold nothing but what is escaped.
    assert {name.split()[0] for name in COMMANDS} - {"no"} == set(harness.commands.COMMANDS) - {"init", "merge"}, (
        "add a line to COMMANDS that has the command write hostile text"
    )


def test_a_terminal_that_can_not_print_a_character_gets_its_number(hostile: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "show", "--json", "-", hostile / NAME],
        env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["timelines"]


@pytest.mark.parametrize("place", ["device", "fifo", "stdout", "stderr"])
@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_reports_go_into_what_is_no_file_and_do_not_replace_it(
    option: str, place: str, hostile: Path, tmp_path: Path, warm_python: WarmPython
) -> None:
    """A device of one's own, as far as a link can be one: where it were replaced, the link would be gone."""
    path = {"stdout": Path("/dev/stdout"), "stderr": Path("/dev/stderr")}.get(place, tmp_path / place)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    if place == "device":
        path.symlink_to(os.devnull)
    if place == "fifo":
        os.mkfifo(path)
        reader.start()
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        code = warm_python.run("harness", "replay", hostile / NAME, option, path, stdout=out, stderr=err)
    written = {name: (tmp_path / name).read_bytes() for name in ("out", "err")}
    assert code == 0, written
    assert Path(os.devnull).is_char_device()
    if place == "device":
        assert path.is_symlink()
        return
    if place == "fifo":
        reader.join(10)
        assert path.is_fifo()
    found = read[0] if place == "fifo" else written[place.removeprefix("std")]
    assert (b'"format": "harness.replay/1"' if option == "--json" else b"<testsuites") in found


def test_where_nobody_reads_from_a_fifo_one_line_says_so(
    hostile: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.recording.files.atomic._PATIENCE_S", 0.0)
    os.mkfifo(tmp_path / "fifo")
    said = run("replay", hostile / NAME, "--junit", tmp_path / "fifo")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "can't be written to: No such device or address" in said.err
    assert (tmp_path / "fifo").is_fifo()


def test_a_device_that_is_full_is_told_in_one_line(hostile: Path, run: Run) -> None:
    said = run("replay", hostile / NAME, "--json", "/dev/full")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "No space left on device" in said.err
