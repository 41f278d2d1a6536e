"""Expected failures of a subject, per clause and scenario: a new failure fails, and so does an entry that has gone stale."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.run.outcome import SuiteOutcome
from harness.errors import UnreadableRecordingError
from harness.recording import write_atomically

FORMAT: Final = "harness.conformance-baseline/1"


@dataclass(frozen=True)
class Held:
    """How an outcome stands against a baseline."""

    #: Failures that the baseline does not know, and entries of it that did not fail.
    new: tuple[tuple[str, str], ...]
    stale: tuple[tuple[str, str], ...]

    @property
    def holds(self) -> bool:
        """Whether there is neither."""
        return not self.new and not self.stale

    def document(self) -> dict[str, Any]:
        """Return what the JSON document of the run says of the baseline."""
        return {
            kind: [{"clause": clause, "scenario": scenario} for clause, scenario in entries]
            for kind, entries in (("new", self.new), ("stale", self.stale))
        }


def read(path: Path) -> frozenset[tuple[str, str]]:
    """Return each (clause, scenario) that the baseline at `path` expects to fail.

    Raises:
        UnreadableRecordingError: the file is missing or no baseline.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise UnreadableRecordingError(f"'{path}' has the format {document['format']!r}; expected {FORMAT!r}")
        entries = document["expected_failures"]
        return frozenset((clause, scenario) for clause, scenarios in entries.items() for scenario in scenarios)
    except OSError as error:
        raise UnreadableRecordingError(
            f"'{path}': {error.strerror or error}; write a baseline with --write-expect FILE"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecordingError(
            f"'{path}' is no baseline ({error}); write one with --write-expect FILE"
        ) from error


def hold(outcome: SuiteOutcome, expected: AbstractSet[tuple[str, str]]) -> Held:
    """Hold `outcome` against expected failures, as `read` returns them, for the clauses that were run."""
    run = {row.clause.id for row in outcome.clauses}
    relevant = {entry for entry in expected if entry[0] in run}
    return Held(tuple(sorted(outcome.failures - expected)), tuple(sorted(relevant - outcome.failures)))


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
