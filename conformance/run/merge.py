"""The reports of shards, put together into the one that an undivided run would have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, islice
from typing import Any

import msgspec
from msgspec.structs import replace

from conformance.run import outcome, replay
from conformance.run.failures.carried_runs import opened_replays, with_scenarios
from conformance.run.plan import SuitePlan, result_of_document
from conformance.run.result import ScenarioResult
from conformance.run.shard import interleaved
from harness.errors import UnreadableRecordingError, UsageError

#: How many of the shards that are missing are named; a report may claim to be one of any number.
_NAMED = 10

#: What a report that is broken raises where it is read.
_BROKEN = (KeyError, TypeError, AttributeError, ValueError, IndexError, msgspec.ValidationError)


def in_their_order(reports: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the reports by the numbers of their shards. Raises UsageError: they are not all of one run, each once."""
    of = reports[0]["shard"]["of"]
    if len({(report["format"], report["shard"]["of"], report["shard"]["total"]) for report in reports}) > 1:
        raise UsageError("these reports are of different runs: format, number of shards, or of what there was, differ")
    by_index = {report["shard"]["index"]: report for report in reports}
    absent = (f"{index}/{of}" for index in range(1, of + 1) if index not in by_index)
    missing = list(islice(absent, _NAMED))
    if next(absent, None) is not None:
        missing.append("…")
    if missing or len(by_index) != len(reports):
        twice = "" if missing else "one is there twice; "
        raise UsageError(
            f"{twice}{'missing: ' + ', '.join(missing) + '; ' if missing else ''}give the report of each shard, once"
        )
    return [by_index[index] for index in range(1, of + 1)]


def merged_replay(reports: Sequence[Mapping[str, Any]]) -> list[replay.ReplayResult]:
    """Return the results of all shards, in order.

    Raises UsageError: one is missing, or was interrupted; UnreadableRecordingError: one is broken.
    """
    ordered = in_their_order(reports)
    try:
        shards = [
            [list(group) for _, group in groupby(_replays(report), key=lambda entry: entry[0]["path"])]
            for report in ordered
        ]
        subjects = interleaved(shards, ordered[0]["shard"]["total"])
        return [
            replace(msgspec.convert(result, replay.ReplayResult), frame_lines=lines)
            for subject in subjects
            for result, lines in subject
        ]
    except _BROKEN as error:
        raise _broken(error) from error


def merged_suite(reports: Sequence[Mapping[str, Any]]) -> tuple[outcome.SuiteOutcome, list[ScenarioResult]]:
    """Return the outcome of all shards together, and the results that it is of. Raises as `merged_replay`."""
    ordered = in_their_order(reports)
    plans = [report["shard"]["plan"] for report in ordered]
    if any(plan != plans[0] for plan in plans):
        raise UsageError("these reports are of different runs: what was tested, or for which clauses, differs")
    try:
        plan = msgspec.convert(plans[0], SuitePlan)
        shards = [
            with_scenarios(list(map(result_of_document, shard["results"])), shard.get("runs", ()))
            for shard in (report["shard"] for report in ordered)
        ]
        results = interleaved(shards, len(plan.steps))
        for (_, scenario), result in zip(plan.steps, results, strict=True):
            if result.scenario != scenario:
                raise UsageError(f"a shard reports {result.scenario!r} in the place of {scenario!r}; run it again")
        return plan.outcome(results), results
    except _BROKEN as error:
        if isinstance(error, UsageError):
            raise
        raise _broken(error) from error


def _replays(report: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], bytes]]:
    lines = opened_replays(report["shard"].get("runs", ()))
    return [(result, lines.get(place, b"")) for place, result in enumerate(report["results"])]


def _broken(error: Exception) -> UnreadableRecordingError:
    return UnreadableRecordingError(f"a report is broken ({type(error).__name__}: {error}); make it again")
