"""JSON reports that are read back, to be merged, put side by side or told of: each is held to its shape before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import GenericAlias
from typing import Any, Final

import msgspec

from conformance.run import outcome, replay
from conformance.run.judge import ClauseStatus
from conformance.run.plan import SuitePlan
from conformance.timeline.check import Violation
from harness.errors import UnreadableRecordingError
from harness.recording import load_json


def shape(may_have: Mapping[str, Any] | None = None, **has: Any) -> Any:
    """Return the shape of an object that has these keys, and any others: those that it `may_have` are of this kind."""
    more = [(name, kind, None) for name, kind in (may_have or {}).items()]
    return msgspec.defstruct("object", [*has.items(), *more])


def _rows(**has: Any) -> Any:
    return GenericAlias(list, (shape(**has),))


_DECISION: Final = {"status": ClauseStatus, "violations": _rows(seq=int | None, message=str)}
#: Which shard it is, of how many, and of how much.
_PLACE: Final = {"index": int, "of": int, "total": int}
_PERFORMED: Final = _rows(scenario=str, fault=str | None, unusable=str | None, decisions=_rows(**_DECISION, clause=str))
_REPLAY_RUNS: Final = {"runs": _rows(result=int, frames=str)}
_SUITE_RUNS: Final = {"runs": _rows(scenario=str, label=str, violations=list[Violation], frames=str)}
#: By format: what a shard's report has.
_SHARDS: Final[Mapping[str, Any]] = {
    replay.FORMAT: shape(
        shard=shape(_REPLAY_RUNS, **_PLACE), summary=shape(seconds=float), results=list[replay.ReplayResult]
    ),
    outcome.FORMAT: shape(shard=shape(_SUITE_RUNS, **_PLACE, plan=SuitePlan, results=_PERFORMED)),
}
_COUNTS: Final = shape(passed=int, failed=int, not_testable=int)
_SUITE: Final = shape(
    {"command": str},
    summary=shape(must=_COUNTS, should=_COUNTS, not_applicable=int),
    subject=shape(name=str, version=str, capabilities=list[str]),
    clauses=_rows(id=str, level=str, status=ClauseStatus, checks=_rows(**_DECISION, scenario=str)),
)


def shard_report(path: Path) -> dict[str, Any]:
    """Return the report of a shard at `path`, of a replay or of the suite. Raises UnreadableRecordingError."""
    document = _document(path, _SHARDS, "which can't be merged")
    return _held(path, document, _SHARDS[document["format"]], "report of a shard", "--shard I/N --json FILE")


def suite_report(path: Path) -> dict[str, Any]:
    """Return the report of a run of the suite at `path`. Raises UnreadableRecordingError."""
    document = _document(path, (outcome.FORMAT,), f"expected {outcome.FORMAT!r}")
    return _held(path, document, _SUITE, "report of harness conformance", "its --json FILE")


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
