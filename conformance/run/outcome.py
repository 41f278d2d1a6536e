"""The outcome of a whole run of the suite: clause by clause, from what its scenarios said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, Final, Protocol

from msgspec import Struct

from conformance.contract.clauses import CLAUSES, Clause
from conformance.run.judge import ClauseStatus, Decision
from conformance.run.result import ScenarioResult

FORMAT: Final = "harness.conformance/1"


class Tested(Protocol):
    """What the suite was run against, as reports name it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def capabilities(self) -> frozenset[str]: ...


class ClauseOutcome(Struct, frozen=True):
    """One clause, with every scenario that decided it, or was to."""

    clause: Clause
    status: ClauseStatus
    #: The scenarios that say something about it, in order.
    decisions: tuple[tuple[str, Decision], ...]


class SuiteOutcome(Struct, frozen=True):
    subject: str
    version: str
    capabilities: frozenset[str]
    clauses: tuple[ClauseOutcome, ...]
    #: Failures of the harness itself, as (scenario, traceback); they say nothing about the subject.
    faults: tuple[tuple[str, str], ...]
    #: The command that tests it; empty where it was tested in another way.
    command: str = ""

    @property
    def failures(self) -> frozenset[tuple[str, str]]:
        """Each (clause, scenario) that failed or could not be tested; a clause without scenarios stands alone."""
        failed: set[tuple[str, str]] = set()
        for row in self.clauses:
            bad = [scenario for scenario, decision in row.decisions if decision.status in ("failed", "not-testable")]
            failed.update((row.clause.id, scenario) for scenario in bad)
            if row.status == "not-testable" and not bad:
                failed.add((row.clause.id, ""))
        return frozenset(failed)

    def exit_code(self) -> int:
        """Return 2 where the harness failed or nothing was checked, else 1 where a MUST fell short, else 0."""
        if self.faults or not any(row.status in ("passed", "failed") for row in self.clauses):
            return 2
        musts = {row.clause.id for row in self.clauses if row.clause.level == "MUST"}
        return 1 if any(clause in musts for clause, _ in self.failures) else 0

    def document(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            **({"command": self.command} if self.command else {}),
            "subject": {"name": self.subject, "version": self.version, "capabilities": sorted(self.capabilities)},
            "summary": {
                **{level.lower(): self._counts(level) for level in ("MUST", "SHOULD")},
                "not_applicable": sum(row.status == "not-applicable" for row in self.clauses),
            },
            "clauses": [
                {
                    "id": row.clause.id,
                    "level": row.clause.level,
                    "status": row.status,
                    "checks": [{"scenario": scenario, **decision.document} for scenario, decision in row.decisions],
                }
                for row in self.clauses
            ],
            "faults": [{"scenario": scenario, "message": message} for scenario, message in self.faults],
        }

    def _counts(self, level: str) -> dict[str, int]:
        statuses = [row.status for row in self.clauses if row.clause.level == level]
        judged: tuple[ClauseStatus, ...] = ("passed", "failed", "not-testable")
        return {status.replace("-", "_"): statuses.count(status) for status in judged}


def outcome_of(
    subject: Tested,
    results: Iterable[ScenarioResult],
    clauses: Iterable[str] | None = None,
    out_of_reach: Collection[str] = (),
    command: str = "",
) -> SuiteOutcome:
    """Put together what scenarios said, for all clauses or those named; what is `out_of_reach` does not apply."""
    by_clause: defaultdict[str, list[tuple[str, Decision]]] = defaultdict(list)
    faults = []
    for result in results:
        if result.fault is not None:
            faults.append((result.scenario, result.fault))
        for decision in result.decisions:
            by_clause[decision.clause].append((result.scenario, decision))
    chosen = set(CLAUSES if clauses is None else clauses)
    applicable = {
        clause.id
        for clause in CLAUSES.values()
        if clause.capabilities <= subject.capabilities and clause.id not in out_of_reach
    }
    rows = tuple(
        _row(clause, tuple(by_clause[clause.id]) if clause.id in applicable else None)
        for clause in CLAUSES.values()
        if clause.id in chosen
    )
    return SuiteOutcome(subject.name, subject.version, subject.capabilities, rows, tuple(faults), command)


def _row(clause: Clause, decisions: tuple[tuple[str, Decision], ...] | None) -> ClauseOutcome:
    """Return the outcome of one clause; of one that does not apply, whatever a scenario said of it, None."""
    if decisions is None:
        return ClauseOutcome(clause, "not-applicable", ())
    statuses = {decision.status for _, decision in decisions}
    if "failed" in statuses:
        return ClauseOutcome(clause, "failed", decisions)
    # Nothing that decides it is never a pass, and neither is a scenario that was to decide it and could not.
    return ClauseOutcome(clause, "passed" if statuses == {"passed"} else "not-testable", decisions)
