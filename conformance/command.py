"""What `harness conformance` and the pytest classes share: choosing, running, and handing over results."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from conformance.clauses import CLAUSES
from conformance.outcome import SuiteOutcome, outcome_of
from conformance.report import Case
from conformance.running import run
from conformance.scenarios import scenarios
from conformance.subjects.subject import load_subject
from harness.errors import UsageError


def run_suite(subject: str, clauses: Iterable[str] = (), workers: int = 1) -> SuiteOutcome:
    """Run the suite, or the part of it that decides the clauses chosen by globs, against a subject.

    Raises:
        UsageError: a glob fits no clause.
        ConformanceError: the subject can't be loaded.
    """
    chosen = _chosen(tuple(clauses))
    names = [one.id for one in scenarios() if one.clauses & chosen]
    loaded = load_subject(subject)
    return outcome_of(loaded, run(subject, names, workers=workers), chosen)


def _chosen(globs: tuple[str, ...]) -> set[str]:
    for glob in globs:
        if not any(fnmatchcase(clause, glob) for clause in CLAUSES):
            raise UsageError(f"--clause {glob!r} fits no clause; there are, for example, cleanup.* and result.value")
    return {clause for clause in CLAUSES if not globs or any(fnmatchcase(clause, glob) for glob in globs)}


def cases(outcome: SuiteOutcome) -> list[Case]:
    """Return one JUnit case for each clause and scenario, and for each clause that nothing decided."""
    found = []
    for row in outcome.clauses:
        if row.status == "not-applicable":
            found.append(Case("conformance", row.clause.id, "skipped", "not applicable"))
        elif not row.decisions:
            found.append(Case("conformance", row.clause.id, "failed", "no scenario decides it"))
        for scenario, decision in row.decisions:
            bad = decision.status != "passed"
            message = (decision.violations[0].message if decision.violations else decision.status) if bad else None
            details = tuple(f"frame {one.seq}: {one.message}" for one in decision.violations)
            name = f"{row.clause.id}[{scenario}]"
            found.append(Case("conformance", name, "failed" if bad else "passed", message, details))
    found.extend(Case("conformance", scenario, "error", message) for scenario, message in outcome.faults)
    return found
