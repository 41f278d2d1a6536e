"""The timelines beside the page of a report: one file for each result or scenario that fell short, for the viewer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.run import replay
from conformance.run.failures.carried_runs import most_telling
from conformance.run.failures.failed_runs import FailedRun
from conformance.run.replay import ReplayResult
from conformance.run.result import ScenarioResult, labelled
from conformance.timeline.check import Violation
from harness.errors import UnreadableRecordingError
from harness.recording import write_atomically
from harness.viewer import BrokenClause, ViewedRun, kept_frames, render_replayed, render_viewer

#: Beside the page.
_FOLDER: Final = "timelines"


def write(results: Sequence[Any], document: dict[str, Any], folder: Path) -> None:
    """Write the timelines of what fell short of a replay, or of a run of the suite. Raises RecordingError."""
    (_write_replays if document["format"] == replay.FORMAT else _write_scenarios)(results, document, folder)


def _write_replays(results: Sequence[ReplayResult], document: dict[str, Any], folder: Path) -> None:
    """Write the timelines of what fell short into `folder`, and their places, relative to it, into `document`."""
    for number, (result, entry) in enumerate(zip(results, document["results"], strict=True), start=1):
        if not result.frame_lines:
            continue
        violations = [(violation.clause, violation.seq, violation.message) for violation in result.violations]
        try:
            page = render_replayed(Path(result.path), result.interaction, result.frame_lines, violations)
        except UnreadableRecordingError:
            continue
        write_atomically(folder / _FOLDER / f"{number}.html", page.encode())
        entry["timeline"] = f"{_FOLDER}/{number}.html"


def _write_scenarios(results: Iterable[ScenarioResult], document: dict[str, Any], folder: Path) -> None:
    """Write timelines of the most telling scenarios into `folder`, and where violations are seen into `document`."""
    checks = defaultdict[str, list[tuple[str, dict[str, Any]]]](list)
    for row in document["clauses"]:
        for check in row["checks"]:
            if check["violations"]:
                checks[check["scenario"]].append((row["id"], check))
    for number, result in enumerate(most_telling(results), start=1):
        runs: list[ViewedRun] = []
        seen: dict[Violation, str] = {}
        for run in result.failed_runs:
            try:
                viewed = _viewed(result.scenario, run)
            except UnreadableRecordingError:
                continue
            runs.append(viewed)
            for violation, finding in zip(run.violations, viewed.findings, strict=True):
                at = "" if finding.place is None else f"&frame={finding.place + 1}"
                seen.setdefault(labelled(run.label, violation), f"#run={len(runs)}{at}")
        if not runs:
            continue
        name = f"{_FOLDER}/{number}.html"
        write_atomically(folder / name, render_viewer(runs, result.scenario).encode())
        for clause, check in checks[result.scenario]:
            for violation in check["violations"]:
                place = seen.get(Violation(clause, violation["seq"], violation["message"]))
                if place is not None:
                    violation["timeline"] = name + place


def _viewed(scenario: str, run: FailedRun) -> ViewedRun:
    """Return a run for the viewer. Raises UnreadableRecordingError where its frames are none that can be shown."""
    frames = kept_frames(run.frame_lines, Path(scenario))
    # A number that two frames have, as of two sessions in one run, names the first that may be meant.
    places: dict[int | None, int] = {}
    for place, frame in enumerate(frames):
        places.setdefault(frame.seq, place)
    findings = [BrokenClause(found.clause, places.get(found.seq), found.message) for found in run.violations]
    return ViewedRun(run.label or "its one run", frames, (), findings)
