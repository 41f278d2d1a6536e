"""The workers of a Dask scheduler make what one process makes: nothing is lost, and nothing is made twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.run.scheduler import consume, in_order
from harness.shipped import shipped_recording
from tests.conformance.run.scheduled_work import lost

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler of two workers, in processes of its own."""
    pytest.importorskip("distributed", reason="a scheduler needs the extra `dask`")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.run.dask_cluster"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as cluster:  # fmt: skip
        assert cluster.stdout is not None
        assert cluster.stdin is not None
        yield cluster.stdout.readline().strip()
        cluster.stdin.close()


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scheduled") / "suite"
    for number in range(3):
        shutil.copytree(shipped_recording("openai/text"), folder / f"text{number}")
    (folder / "text1" / "frames.jsonl").write_text("torn")
    shutil.copy(folder / "text0/cassette.yaml", folder / "plain.yaml")
    return folder


def python(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip


def harness(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return python("-m", "harness", *arguments)


def timeless(path: Path) -> Any:
    document = json.loads(path.read_text())
    document["summary"].pop("seconds", None)
    return document


def test_a_replay_by_a_scheduler_says_what_one_process_says(address: str, suite: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    one = harness("replay", suite, "--json", here)
    many = harness("replay", suite, "--scheduler", address, "--json", there)
    assert timeless(there) == timeless(here)
    assert (
        (many.returncode, _untimed(many.stdout)) == (one.returncode, _untimed(one.stdout)) == (2, _untimed(one.stdout))
    )


def _untimed(text: str) -> str:
    return re.sub(r" in [0-9.]+ s$", "", text, flags=re.MULTILINE)


def test_a_conformance_run_by_a_scheduler_says_what_one_process_says(address: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    arguments = ("conformance", "--clause", "entry.flow", "--clause", "entry.llm")
    one = harness(*arguments, "--json", here)
    many = harness(*arguments, "--scheduler", address, "--json", there)
    assert json.loads(there.read_text()) == json.loads(here.read_text())
    assert (many.returncode, many.stdout) == (one.returncode, one.stdout)


SCHEDULED = """
import json, sys
from pathlib import Path
from conformance.run.scheduler import scheduled
from tests.conformance.run.scheduled_work import Work, lost

subjects = [str(number) for number in range(30)]
subjects[10], subjects[20] = "exits", "kills its worker"
print(json.dumps(list(scheduled(Work(Path(sys.argv[2])), subjects, sys.argv[1], lost))))
"""


def test_a_process_that_dies_loses_and_doubles_nothing_of_others(address: str, tmp_path: Path) -> None:
    done = python("-c", SCHEDULED, address, tmp_path)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert (tmp_path / "killed").exists(), "no worker was killed"
    subjects = [str(number) for number in range(30)]
    subjects[10], subjects[20] = "exits", "kills its worker"
    expected = [[place, f"{subject}: done"] for place, subject in enumerate(subjects)]
    expected[10] = [10, lost("exits", 7)]
    assert sorted(made) == expected


#: Where tests run in the background, what they start would ignore an interrupt.
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from harness.commands import main
main()
"""


def test_an_interrupt_leaves_a_report_of_what_is_done(address: str, suite: Path, tmp_path: Path) -> None:
    folder = tmp_path / "suite"
    shutil.copytree(suite, folder)
    slow = folder / "text2" / "cassette.yaml"
    # Played at its pace, this one takes for ever.
    slow.write_text(re.sub(r"(chunks: \[\[\d+, \d+, )[0-9.]+", r"\g<1>9000000.0", slow.read_text()))
    report = tmp_path / "report.json"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", INTERRUPTIBLE, "replay", str(folder), "--scheduler", address, "--speed", "1", "--json",
         str(report)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        lines = 0
        while lines < 3:
            lines += running.stdout.readline().startswith(("passed", "error"))
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130
    assert "interrupted: this is of 3 of 4 files" in said
    document = json.loads(report.read_text())
    assert document["interrupted"] == {"files": 3, "of": 4}
    assert len(document["results"]) == 3


def test_where_nobody_answers_that_is_said(tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = harness("replay", suite, "--scheduler", "carrier-pigeon://x")
    assert done.returncode == 2
    assert "nobody answers there" in done.stderr


def test_what_comes_in_any_order_is_given_in_its_own_and_an_interrupt_gives_the_rest() -> None:
    assert list(in_order(iter([(1, "b"), (0, "a"), (2, "c")]))) == ["a", "b", "c"]

    def interrupted() -> Iterator[tuple[int, str]]:
        yield from [(3, "d"), (0, "a"), (2, "c")]
        raise KeyboardInterrupt

    seen: list[str] = []
    assert consume(in_order(interrupted()), seen.append) is False
    assert seen == ["a", "c", "d"]
    seen.clear()

    def reader(one: str) -> None:
        seen.append(one)
        if one == "a":
            raise KeyboardInterrupt

    assert consume(in_order(iter([(3, "d"), (0, "a"), (1, "b")])), reader) is False
    assert seen == ["a", "d"]
