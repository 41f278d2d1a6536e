"""A run that is divided says together what it says undivided."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from conformance.run.shard import Shard, interleaved
from harness.errors import UsageError
from harness.shipped import shipped_recording
from tests.commands.command_line import Run
from tests.pytest_plugin.conftest import InnerRun, inner

pytest_plugins = ["pytester"]
__all__ = ["inner"]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings and cassettes, of which some fall short, with several results each."""
    folder = tmp_path_factory.mktemp("shards") / "suite"
    for name in ("openai/text", "openai/two_calls", "anthropic/text", "openai/truncated"):
        if shipped_recording(name).is_dir():
            shutil.copytree(shipped_recording(name), folder / name)
    shutil.copytree(folder / "openai/text", folder / "torn")
    (folder / "torn" / "frames.jsonl").write_text("torn")
    cassette = (folder / "openai/text/cassette.yaml").read_text()
    _, _, entry = cassette.partition("interactions:\n")
    (folder / "a.yaml").write_text(cassette + entry)
    return folder


def shards(run: Run, of: int, *arguments: str | Path, folder: Path) -> list[Path]:
    reports = []
    for index in range(1, of + 1):
        reports.append(folder / f"{index}of{of}.json")
        run(*arguments, "--shard", f"{index}/{of}", "--json", reports[-1])
    return reports


def timeless(document: dict[str, Any]) -> dict[str, Any]:
    document["summary"].pop("seconds", None)
    return document


@pytest.mark.parametrize("of", [1, 2, 3, 9])
def test_the_shards_of_a_replay_are_the_undivided_one(of: int, suite: Path, tmp_path: Path, run: Run) -> None:
    whole = run("replay", suite, "--json", "-")
    reports = shards(run, of, "replay", suite, folder=tmp_path)
    # In whatever order they are given.
    merged = run("merge", *reversed(reports), "--json", "-", "--junit", tmp_path / "junit.xml")
    assert timeless(merged.document) == timeless(whole.document)
    assert merged.code == whole.code == 2
    assert "torn" in (tmp_path / "junit.xml").read_text()


@pytest.mark.parametrize(
    "target",
    [
        ("--clause", "entry.flow", "--clause", "entry.llm", "--clause", "entry.turn"),
        ("--provider", "openai", "--clause", "llm.usage", "--clause", "llm.thinking"),
    ],
    ids=str,
)
def test_the_shards_of_a_conformance_run_are_the_undivided_one(
    target: tuple[str, ...], tmp_path: Path, run: Run
) -> None:
    whole = run("conformance", *target, "--json", "-")
    reports = shards(run, 2, "conformance", *target, folder=tmp_path)
    for report in reports:
        assert len(json.loads(report.read_text())["shard"]["results"]) > 0
    merged = run("merge", *reports, "--json", "-")
    assert merged.document == whole.document
    assert merged.code == whole.code


def test_what_does_not_belong_together_is_not_joined(suite: Path, tmp_path: Path, run: Run) -> None:
    one, two = shards(run, 2, "replay", suite, folder=tmp_path)
    (third,) = shards(run, 1, "replay", suite, folder=tmp_path)
    interrupted = tmp_path / "interrupted.json"
    report = json.loads(two.read_text())
    interrupted.write_text(json.dumps({**report, "results": report["results"][:1]}))
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({**report, "results": [{"path": "x"}]}))
    whole = tmp_path / "whole.json"
    run("replay", suite, "--json", whole)
    for reports, words in (
        ((one,), "missing: 2/2"),
        ((one, one), "missing: 2/2"),
        ((one, two, two), "one is there twice"),
        ((one, third), "of different runs"),
        ((one, interrupted), "it was interrupted, run it again"),
        ((one, broken), "Object missing required field `kind` - at `$.results[0]`"),
        ((whole,), "is no report of a shard"),
        ((tmp_path / "nowhere.json",), "No such file"),
        ((suite / "a.yaml",), "is no report: it is no JSON"),
    ):
        said = run("merge", *reports)
        assert (said.code, said.out) == (2, "")
        assert words in said.err


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "-1/2", "1/2/3", ""])
def test_a_shard_that_is_none_is_refused(text: str, run: Run, suite: Path) -> None:
    with pytest.raises(UsageError, match="expected I/N"):
        Shard.parse(text)
    assert run("replay", suite, "--shard", text).code == 2


@pytest.mark.parametrize("total", [0, 1, 5, 6])
@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_what_is_divided_is_put_together_in_its_order(of: int, total: int) -> None:
    every = list(range(total))
    assert interleaved([Shard(index, of).of_all(every) for index in range(1, of + 1)], total) == every


def test_a_baseline_is_for_the_whole(tmp_path: Path, run: Run) -> None:
    known = tmp_path / "known.json"
    known.write_text('{"format": "harness.conformance-baseline/1", "expected_failures": {"entry.flow": ["flow/none"]}}')
    said = run("conformance", "--shard", "1/2", "--expect", known)
    assert said.code == 2
    assert "give --expect to harness merge" in said.err
    reports = shards(run, 2, "conformance", "--clause", "entry.flow", "--clause", "entry.llm", folder=tmp_path)
    merged = run("merge", *reports, "--expect", known)
    assert (merged.code, "stale entry: entry.flow in flow/none" in merged.out) == (1, True)


TESTS = """
import pytest

class Case:
    def __init__(self, work): self.shared_work = work

@pytest.mark.parametrize("case", [Case("a"), Case("b"), Case("a"), Case("c")], ids=lambda case: case.shared_work)
@pytest.mark.parametrize("clause", [1, 2])
class TestSuite:
    def test_it(self, case, clause): pass

@pytest.mark.parametrize("n", range(5))
def test_plain(n): pass
"""


def test_pytest_runs_each_test_in_one_shard_and_keeps_together_what_shares_work(inner: InnerRun) -> None:
    passed = []
    for index in (1, 2):
        result = inner("--shard", f"{index}/2", test_it=TESTS)
        passed.append({line.split()[1] for line in result.outlines if line.startswith("PASSED")})
    assert not passed[0] & passed[1]
    assert len(passed[0] | passed[1]) == 13
    for shared in ("a", "b", "c"):
        assert sum(any(f"-{shared}" in test for test in shard) for shard in passed) == 1
    assert inner("--shard", "99/99").ret == 0
    wrong = inner("--shard", "2/1")
    assert wrong.ret == 4
    wrong.stderr.fnmatch_lines(["*expected I/N*"])
