"""JSON reports that are read back, to be merged, put side by side or told of: each is held to its shape before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

import msgspec

from conformance.run import outcome, replay
from conformance.run.judge import ClauseStatus
from conformance.run.plan import SuitePlan
from conformance.timeline.check import Violation
from harness.errors import UnreadableRecordingError
from harness.recording import load_json


class _Found(TypedDict):
    """What broke a clause."""

    seq: int | None
    message: str


class _Decision(TypedDict):
    status: ClauseStatus
    violations: list[_Found]


class _Decided(_Decision):
    clause: str


class _CheckRow(_Decision):
    scenario: str


class _Performed(TypedDict):
    scenario: str
    fault: str | None
    unusable: str | None
    decisions: list[_Decided]


class _Place(TypedDict):
    """Which shard it is, of how many, and of how much."""

    index: int
    of: int
    total: int


class _CarriedReplay(TypedDict):
    result: int
    frames: str


class _CarriedRun(TypedDict):
    scenario: str
    label: str
    violations: list[Violation]
    frames: str


class _ReplayPlace(_Place):
    runs: NotRequired[list[_CarriedReplay]]


class _SuitePlace(_Place):
    plan: SuitePlan
    results: list[_Performed]
    runs: NotRequired[list[_CarriedRun]]


class _SuiteShard(TypedDict):
    shard: _SuitePlace


class _Seconds(TypedDict):
    seconds: float


class _ReplayShard(TypedDict):
    shard: _ReplayPlace
    summary: _Seconds
    results: list[replay.ReplayResult]


class _Subject(TypedDict):
    name: str
    version: str
    capabilities: list[str]


class _ClauseRow(TypedDict):
    id: str
    level: str
    status: ClauseStatus
    checks: list[_CheckRow]


class _Counts(TypedDict):
    passed: int
    failed: int
    not_testable: int


class _Summary(TypedDict):
    must: _Counts
    should: _Counts
    not_applicable: int


class _Suite(TypedDict):
    command: NotRequired[str]
    summary: _Summary
    subject: _Subject
    clauses: list[_ClauseRow]


#: By format: what a shard's report has.
_SHARDS: Final[Mapping[str, Any]] = {replay.FORMAT: _ReplayShard, outcome.FORMAT: _SuiteShard}


def shard_report(path: Path) -> dict[str, Any]:
    """Return the report of a shard at `path`, of a replay or of the suite. Raises UnreadableRecordingError."""
    document = _document(path, _SHARDS, "which can't be merged")
    return _held(path, document, _SHARDS[document["format"]], "report of a shard", "--shard I/N --json FILE")


def suite_report(path: Path) -> dict[str, Any]:
    """Return the report of a run of the suite at `path`. Raises UnreadableRecordingError."""
    document = _document(path, (outcome.FORMAT,), f"expected {outcome.FORMAT!r}")
    return _held(path, document, _Suite, "report of harness conformance", "its --json FILE")


def _document(path: Path, formats: Any, otherwise: str) -> dict[str, Any]:
    try:
        document = load_json(path)
    except OSError as error:
        raise UnreadableRecordingError(
            f"'{path}': {error.strerror or error}; expected a report that --json FILE has written"
        ) from error
    except ValueError as error:
        raise UnreadableRecordingError(f"'{path}' is no report: it is no JSON ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), str):
        raise UnreadableRecordingError(f"'{path}' is no report; expected what --json FILE has written")
    if document["format"] not in formats:
        raise UnreadableRecordingError(f"'{path}' has the format {document['format'][:80]!r}, {otherwise}")
    return document


def _held(path: Path, document: dict[str, Any], shape: Any, kind: str, by: str) -> dict[str, Any]:
    try:
        msgspec.convert(document, shape)
    except (msgspec.ValidationError, ValueError) as error:
        raise UnreadableRecordingError(f"'{path}' is no {kind} ({error}); expected what {by} has written") from error
    return document
