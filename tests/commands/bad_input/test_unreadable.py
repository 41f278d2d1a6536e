"""What can't be read or used: every command ends with 2, and says what was expected or what to do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.command_line import Run
from tests.commands.recordings import FILES, SUBJECTS

ALIASES = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    + ["interactions: *a11", "version: 1"]
)


def later_version(content: bytes) -> bytes:
    if content.startswith(b"version: 1"):
        return content.replace(b"version: 1", b"version: 7", 1)
    return re.sub(rb"harness\.(recording|frames)/1", rb"harness.\1/7", content, count=1)


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda content: None,
    "empty": lambda content: b"",
    "half-written": lambda content: content[: len(content) // 2 + 7],
    "later version": later_version,
    "binary": lambda content: b"\x89PNG\r\n\x1a\n\x00\x00\xff" + content[:40],
    "aliases without end": lambda content: ALIASES.encode(),
}


def damaged(folder: Path, name: str, damage: str) -> None:
    content = DAMAGES[damage]((folder / name).read_bytes())
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_recording_that_can_not_be_read_ends_with_2_and_says_what_to_do(
    damage: str, name: str, copy: Path, recorded: Path, run: Run
) -> None:
    damaged(copy, name, damage)
    said = run("replay", copy)
    assert said.code == 2, said.out
    assert said.out.startswith("error")
    assert name in said.out
    # What was expected, or what to do next.
    assert re.search(r"expected|record it |update |a later one|not written to its end|is a folder with", said.out), (
        said.out
    )
    assert "Traceback" not in said.out + said.err
    assert "1 error" in said.out
    if name != "cassette.yaml":
        for said in (run("show", copy), run("diff", copy, recorded), run("diff", recorded, copy)):
            assert (said.code, said.err.count("\n")) == (2, 1)
            assert said.err.startswith("error: ")
            assert name in said.err


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_plain_cassette_that_can_not_be_read_ends_with_2(damage: str, copy: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "plain.yaml"
    shutil.copy(copy / "cassette.yaml", path)
    damaged(tmp_path, "plain.yaml", damage)
    for said in (run("replay", path), run("show", path), run("diff", path, copy)):
        assert said.code == 2
        assert "plain.yaml" in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["replay", "no/such/path"], "'no/such/path' does not exist"),
        (["show", "no/such/path"], "'no/such/path' does not exist"),
        (["diff", "no/such/path", "none"], "'no/such/path' does not exist"),
        (["replay", "--speed", "0"], "--speed"),
        (["replay", "-n", "0"], "--workers"),
        (["record", "x:y"], "--output"),
        (["record", "x:y", "-o", "out", "--input", "topic"], "expected K=JSON"),
        (["record", "x:y", "-o", "out", "--input", "topic=tides"], "is not JSON"),
        *(
            (["record", "x:y", "-o", "out", "--input", f"a={value}"], told)
            for value, told in (
                ("NaN", "no recording holds that; expected text in UTF-8, and numbers that are finite"),
                ("1e999", "no recording holds that"),
                (f"[{2**64}]", "no recording holds that"),
                ('{"\\ud800": 1}', "no recording holds that"),
                ("[" * 5_000, "a: line 1: nested deeper than 238 levels; no recording holds that"),
            )
        ),
        *(
            (
                ["record", "x:y", "-o", "out", option, os.fsdecode(b"\xff")],
                "'\\udcff': no recording holds that; expected text",
            )
            for option in ("--turn", "--entry")
        ),
        (["record", "x:y", "-o", "out", "--mode", "sometimes"], "--mode"),
        (["record", "-o", "out"], "Missing argument 'TARGET'"),
        (["record", "--accept", "-o", "out"], "nothing is kept aside of 'out'"),
        (["record", f"{SUBJECTS}:text", "-o", "."], "'.' is the folder that you are in"),
        (["record", f"{SUBJECTS}:text", "-o", "/"], "'/' is the folder that you are in, or one around it"),
        (["record", f"{SUBJECTS}:text", "-o", os.devnull], f"'{os.devnull}' is no folder"),
        (["record", "no_such_module:y", "-o", "out"], "module 'no_such_module' can't be imported"),
        (["record", "nonsense", "-o", "out"], "expected package.module:attribute"),
        (["record", f"{SUBJECTS}:text", "-o", "out", "--mode", "none"], "mode none plays what is recorded"),
        (["record", f"{SUBJECTS}:text", "-o", "out", "--base-url", "here"], "base URL is 'here'; it must be absolute"),
        (["show"], "PATH"),
        (["scan", ".", "--max-age", "9" * 12], "--max-age"),
        (["dance"], "dance"),
    ],
    ids=lambda value: ascii(" ".join(value))[:80] if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_says_what_was_expected(
    arguments: list[str], told: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(*arguments)
    assert said.code == 2
    assert told in said.err
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_check_ends_with_2(tmp_path: Path, run: Run) -> None:
    assert run("replay", tmp_path).code == 2
    (tmp_path / "trace.yaml").write_text(
        "version: 1\ninteractions:\n- request: {method: POST, uri: 'https://traces.example.com/b', headers: {}, body: ''}\n"
        "  response: {status: {code: 200, message: OK}, headers: {}, body: {string: ''}}\n"
    )
    said = run("replay", tmp_path)
    assert said.code == 2
    assert "not-a-call" in said.out
    assert "POST traces.example.com/b is no call to a model" in said.out
