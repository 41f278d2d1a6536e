"""Runs that fell short, in the report of a shard: as text, within bounds, so that the page of the whole shows them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec.structs import asdict, replace

from conformance.run.failures.failed_runs import FailedRun
from conformance.run.replay import ReplayResult
from conformance.run.result import ScenarioResult
from conformance.timeline.check import Violation
from harness.errors import UnreadableRecordingError
from harness.viewer import kept_frames, kept_lines

#: A subject that breaks a clause in every scenario shows it in a few of them.
MOST_SCENARIOS: Final = 40
#: Of one run, in bytes as they are carried, and of one report.
_LARGEST: Final = 1 << 19
_MOST: Final = 1 << 24
#: Of one run, in bytes as they are read: a report that somebody has changed may hold what has no end.
_LARGEST_OPENED: Final = 1 << 26


def most_telling(results: Iterable[ScenarioResult]) -> list[ScenarioResult]:
    """Return those of which runs are kept: first each that breaks a clause which none before it breaks."""
    firsts: list[ScenarioResult] = []
    repeats: list[ScenarioResult] = []
    broken = set[str]()
    for result in results:
        clauses = {violation.clause for run in result.failed_runs for violation in run.violations}
        if clauses:
            (repeats if clauses <= broken else firsts).append(result)
            broken |= clauses
    return (firsts + repeats)[:MOST_SCENARIOS]


def carried_replays(results: Sequence[ReplayResult]) -> list[dict[str, Any]]:
    """Return the frames of results that fell short, in JSON, each with the place of its result."""
    return _within_bounds(
        {"result": place, "frames": _packed(result.frame_lines) if result.frame_lines else None}
        for place, result in enumerate(results)
    )


def opened_replays(carried: Any) -> dict[int, bytes]:
    """Return frames by the places of their results. Raises ValueError, TypeError, KeyError where they are none."""
    return {entry["result"]: _opened(entry["frames"]) for entry in carried}


def carried_scenarios(results: Sequence[ScenarioResult]) -> list[dict[str, Any]]:
    """Return the runs that are shown of scenarios, in JSON and without credentials."""
    return _within_bounds(
        {
            "scenario": result.scenario,
            "label": run.label,
            "violations": [asdict(violation) for violation in run.violations],
            "frames": _redacted(run.frame_lines, result.scenario),
        }
        for result in most_telling(results)
        for run in result.failed_runs
    )


def _within_bounds(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs that have frames, as far as there is room for all of those."""
    room = _MOST
    carried = []
    for run in runs:
        if run["frames"] is not None and len(run["frames"]) <= room:
            room -= len(run["frames"])
            carried.append(run)
    return carried


def with_scenarios(results: Sequence[ScenarioResult], carried: Any) -> list[ScenarioResult]:
    """Return results with the runs that `carried_scenarios` gave. Raises as `opened_replays`."""
    runs: dict[str, list[FailedRun]] = {}
    for entry in carried:
        violations = tuple(Violation(**violation) for violation in entry["violations"])
        # A report is somebody else's: what it holds is opened here once, within bounds.
        content = zlib.compress(_opened(entry["frames"]), 1)
        runs.setdefault(entry["scenario"], []).append(FailedRun(str(entry["label"]), content, violations))
    return [replace(result, failed_runs=tuple(runs.get(result.scenario, ()))) for result in results]


def _redacted(lines: bytes, scenario: str) -> str | None:
    try:
        return _packed(kept_lines(kept_frames(lines, Path(scenario))))
    except UnreadableRecordingError:
        return None


def _packed(lines: bytes) -> str | None:
    content = zlib.compress(lines, 6)
    return base64.b64encode(content).decode() if len(content) <= _LARGEST else None


def _opened(content: Any) -> bytes:
    opening = zlib.decompressobj()
    try:
        lines = opening.decompress(base64.b64decode(content, validate=True), _LARGEST_OPENED)
    except zlib.error as error:
        raise ValueError(f"the frames of a run are not compressed as they were: {error}") from error
    if not opening.eof:
        raise ValueError(f"the frames of a run are cut off, or more than {_LARGEST_OPENED} bytes")
    return lines
