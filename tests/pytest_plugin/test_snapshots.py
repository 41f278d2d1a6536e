"""Claims about the fixture `frames`: one file per timeline, an aligned diff, and syrupy's own option to update."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import InnerRun

pytest_plugins = ["pytester"]

SOURCE = """
import pytest
from calls import answer

@pytest.mark.cassette("openai/text")
def test_answers(cassette, frames):
    session = answer()
    assert session == frames(name="a calm night")
"""
OTHER = SOURCE.replace(
    "session = answer()",
    "session = [one.model_copy(update={'data': {**one.data, 'model': 'gpt-5'}}) if one.type == 'llm_call_started' else one"
    " for one in answer().frames]",
)
PLUGINS = ("syrupy",)
STORED = "__snapshots__/test_it/test_answers[a calm night].frames.jsonl"


def test_a_timeline_is_kept_once_and_holds_in_later_runs(inner: InnerRun, pytester: pytest.Pytester) -> None:
    result = inner(plugins=PLUGINS, test_it=SOURCE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*frames came; keep them with --snapshot-update*"])
    inner("--snapshot-update", plugins=PLUGINS).assert_outcomes(passed=1)
    stored = (pytester.path / STORED).read_bytes()
    assert stored.startswith(b'{"format":"harness.frames/1"}\n')
    inner(plugins=PLUGINS).assert_outcomes(passed=1)
    inner("--snapshot-update", plugins=PLUGINS).assert_outcomes(passed=1)
    assert (pytester.path / STORED).read_bytes() == stored


def test_a_timeline_that_changed_is_told_by_its_scope(inner: InnerRun) -> None:
    inner("--snapshot-update", plugins=PLUGINS, test_it=SOURCE)
    result = inner(plugins=PLUGINS, test_it=OTHER)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*missing #1 → –*gpt-4o-mini*", "*added – → #1*gpt-5*"])
    inner("--snapshot-update", plugins=PLUGINS).assert_outcomes(passed=1)
    inner(plugins=PLUGINS).assert_outcomes(passed=1)


def test_an_unreadable_snapshot_is_not_an_empty_one(inner: InnerRun, pytester: pytest.Pytester) -> None:
    inner("--snapshot-update", plugins=PLUGINS, test_it=SOURCE)
    stored = pytester.path / STORED
    stored.write_bytes(stored.read_bytes()[:-1])
    result = inner(plugins=PLUGINS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*is torn*"])


def test_a_timeline_without_frames_is_no_snapshot(inner: InnerRun) -> None:
    result = inner("--snapshot-update", plugins=PLUGINS, test_it="def test_it(frames): assert [] == frames")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*has no frames*"])
