"""What a person is told of a run that has changed since it was recorded: its cause first, and what follows folded."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tests.commands.command_line import Run, runner

FLOW = """
from harness import Flow, listen, start

class Plan(Flow):
    @start()
    def outline(self):
        return {outline}

    @listen(outline)
    def draft(self, outline):
        return len(outline) * "word "
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(capsys)


def recorded_then_changed(run: Run, name: str, changed: str) -> None:
    """Record a flow of a module of that name, and change what its first method does."""
    module = Path(f"{name}.py")
    module.write_text(FLOW.format(outline="'tides'"))
    assert run("record", f"{name}:Plan", "-o", "plan").code == 0
    module.write_text(FLOW.format(outline=changed))


def fresh(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the module be imported anew, as by another process."""
    monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()


def test_the_cause_is_told_once_and_what_follows_is_folded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_then_changed(run, "plan_of_winds", "'winds of' + 200 * '!'")
    fresh("plan_of_winds", monkeypatch)
    lines = run("replay", "plan").out.splitlines()
    assert lines[1:-1] == [
        "           the run is not what was recorded, in 5 places; replay it with --update if that is right",
        "           changed #3 → #3  flow Plan / method_execution outline / method_execution_finished: data.result: recorded "
        '"tides", now "winds of!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!…"',
        "           changed #4 → #4  flow Plan / method_execution draft: data.params._0: recorded "
        '"tides", now "winds of!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!…"',
        "           changed #5 → #5  flow Plan / method_execution draft / method_execution_finished: data.result: recorded "
        '"word word word word word ", now "word word word word word word word word word word word word …"',
        "           and 2 that follow from this; --verbose shows all",
    ]


def test_verbose_shows_all_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_then_changed(run, "plan_of_storms", "'storms of' + 200 * '!'")
    fresh("plan_of_storms", monkeypatch)
    out = run("replay", "plan", "--verbose").out
    assert f'recorded "tides", now "storms of{200 * "!"}"' in out
    assert "flow Plan / flow_finished: data.result: " in out
    assert "that follow" not in out


def test_an_error_of_the_users_code_comes_first_with_its_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_then_changed(run, "plan_of_rocks", "1 / 0")
    fresh("plan_of_rocks", monkeypatch)
    said = run("replay", "plan")
    assert said.code == 1
    assert said.out.splitlines()[1] == (
        "           the run failed: ZeroDivisionError: division by zero, at plan_of_rocks.py:7 in outline; the run is not "
        "what was recorded, in 7 places"
    )
    assert "Traceback" not in said.out
    fresh("plan_of_rocks", monkeypatch)
    assert "           Traceback (most recent call last):" in run("replay", "plan", "--traceback").out.splitlines()


def test_recording_tells_of_an_error_with_its_line(run: Run) -> None:
    Path("plan_of_cliffs.py").write_text(FLOW.format(outline="1 / 0"))
    said = run("record", "plan_of_cliffs:Plan", "-o", "plan")
    assert said.code == 1
    assert (
        "the run failed: ZeroDivisionError: division by zero, at plan_of_cliffs.py:7 in outline"
        in said.err.splitlines()
    )
    assert "Traceback" not in said.err
    assert "Traceback" in run("record", "plan_of_cliffs:Plan", "-o", "plan", "--traceback").err


def test_a_recorded_failure_says_that_it_is_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("plan_of_hail.py").write_text(FLOW.format(outline="1 / 0"))
    assert run("record", "plan_of_hail:Plan", "-o", "plan").code == 1
    fresh("plan_of_hail", monkeypatch)
    said = run("replay", "plan")
    assert said.code == 0
    assert "the run failed, as when it was recorded: ZeroDivisionError: division by zero" in said.out
