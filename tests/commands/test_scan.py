"""`harness scan`: a planted key is found, and never printed."""

from __future__ import annotations

from pathlib import Path

from tests.commands.command_line import Run
from tests.recording.support.subjects import KEY


def test_scan_finds_a_planted_key_and_never_prints_it(copy: Path, run: Run) -> None:
    assert run("scan", copy).code == 0
    copy = copy.rename(copy.with_name(f"of {KEY}"))
    path = copy / "cassette.yaml"
    path.write_text(path.read_text().replace("How is the harbour tonight?", f"My key is {KEY}"))
    told, document = run("scan", copy), run("scan", copy, "--json", "-")
    for said in (told, document):
        assert said.code == 1
        assert "secret" in said.out
        assert "of sk-proj-***" in said.out
        assert KEY not in said.out + said.err
    assert {"path", "kind", "where", "message"} == set(document.document["findings"][0])


def test_what_is_named_twice_is_counted_and_told_once(copy: Path, run: Run) -> None:
    path = copy / "cassette.yaml"
    path.write_text(path.read_text().replace("How is the harbour tonight?", f"My key is {KEY}"))

    assert run("scan", copy.parent, copy, copy).out == run("scan", copy.parent).out
