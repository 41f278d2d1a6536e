"""Writes what the viewer shows of a path, each timeline judged by the contract."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.commands import _refuse_another

if TYPE_CHECKING:
    from harness.frames import StreamFrame
    from harness.recording.timelines import StoredTimeline
    from harness.viewer import TimelineJudge

#: What judges a timeline. The suite stands above the commands, and is named here as its own commands are.
_SUITE: Final = "conformance.run.stored_timeline"


def write_viewer(timelines: Sequence[StoredTimeline], title: str, html: Path) -> None:
    """Write the viewer's page of timelines, whole or not at all.

    Raises:
        RecordingError: the traffic of one can't be read, or the page can't be written.
    """
    from harness.recording import write_atomically
    from harness.viewer import render_viewer, runs_of

    write_atomically(html, render_viewer(runs_of(timelines, suite_judge()), title).encode())


def timeline_page(title: str, frames: Sequence[StreamFrame], *, is_whole: bool) -> str:
    """Return the viewer's page of a run that is being served; what is not at its end is not judged yet."""
    from harness.viewer import ViewedRun, render_viewer

    findings = tuple(suite_judge()(frames)) if is_whole and frames else ()
    return render_viewer([ViewedRun("as it was served", frames, (), findings)], title)


def write_beside(first: Path, second: Path, html: Path) -> None:
    """Write the viewer's page of two timelines side by side, whole or not at all.

    Raises:
        UsageError: at one of the paths is more than one timeline.
        RecordingError: one can't be read, or the page can't be written.
    """
    from harness.errors import UsageError
    from harness.recording import write_atomically
    from harness.recording.timelines import timelines_of
    from harness.viewer import render_beside, runs_of

    runs = []
    for path in (first, second):
        stored = timelines_of(path)
        if len(stored) != 1:
            raise UsageError(f"'{path}' has {len(stored)} timelines; --html shows one beside another")
        runs += runs_of(stored, suite_judge())
    write_atomically(html, render_beside(runs[0], runs[1], f"{first.name} and {second.name}").encode())


def suite_judge() -> TimelineJudge:
    """Return what finds the clauses that frames break."""
    _refuse_another(_SUITE.partition(".")[0])
    judge: TimelineJudge = import_module(_SUITE).broken_clauses
    return judge
