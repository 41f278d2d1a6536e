"""Expected failures of a subject, per clause and scenario: a new failure fails, and so does an entry that has gone stale."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from conformance.run.outcome import SuiteOutcome
from conformance.run.report_files import shape
from harness.errors import UnreadableRecordingError, UsageError
from harness.recording import load_json, write_atomically

FORMAT: Final = "harness.conformance-baseline/1"


_DOCUMENT: Final = shape({"subject": shape({"name": str | None})}, expected_failures=dict[str, list[str]])


class Baseline(Struct, frozen=True):
    path: Path
    #: The subject's name; None in a file that names none.
    subject: str | None
    #: Each (clause, scenario) that is expected to fail.
    failures: frozenset[tuple[str, str]]

    def check_subject(self, name: str) -> None:
        """Raise UsageError where these are the failures of another subject."""
        if self.subject not in (None, name):
            raise UsageError(
                f"'{self.path}' has the known failures of {self.subject!r}, and {name!r} is tested; give its own, or "
                "write them with --write-expect FILE"
            )


def read(path: Path) -> Baseline:
    """Return the baseline at `path`. Raises UnreadableRecordingError where there is none."""
    try:
        document = load_json(path)
        found = document.get("format") if isinstance(document, dict) else None
        if found != FORMAT:
            raise UnreadableRecordingError(f"'{path}' has the format {found!r}; expected {FORMAT!r}")
        held = msgspec.convert(document, _DOCUMENT)
        entries = held.expected_failures.items()
        failures = frozenset((clause, scenario) for clause, scenarios in entries for scenario in scenarios)
        return Baseline(path, held.subject and held.subject.name, failures)
    except OSError as error:
        raise UnreadableRecordingError(
            f"'{path}': {error.strerror or error}; write a baseline with --write-expect FILE"
        ) from error
    except ValueError as error:
        raise UnreadableRecordingError(
            f"'{path}' is no baseline ({error}); write one with --write-expect FILE"
        ) from error


def hold(outcome: SuiteOutcome, expected: AbstractSet[tuple[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Return, for the clauses that were run, failures that are `new` and `stale` entries, those that did not fail."""
    run = {row.clause.id for row in outcome.clauses}
    stale = {entry for entry in expected if entry[0] in run} - outcome.failures
    return {
        kind: [{"clause": clause, "scenario": scenario} for clause, scenario in sorted(entries)]
        for kind, entries in (("new", outcome.failures - expected), ("stale", stale))
    }


def write(outcome: SuiteOutcome, path: Path) -> None:
    """Write the failures of `outcome` as the baseline to expect from now on, whole or not at all."""
    entries: dict[str, list[str]] = {}
    for clause, scenario in sorted(outcome.failures):
        entries.setdefault(clause, []).append(scenario)
    document = {
        "format": FORMAT,
        "subject": {"name": outcome.subject, "version": outcome.version},
        "expected_failures": entries,
    }
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())
