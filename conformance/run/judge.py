"""The verdict on one run: for every clause whether it held, was broken, could not be decided, or does not apply."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from conformance.areas.checks import CHECKS, Violation
from conformance.areas.envelope.checks import readable
from conformance.contract.clauses import CAPABILITIES, CLAUSES, Clause, clause, declared
from conformance.timeline.evidence import Evidence

#: `not-applicable`: the runtime does not declare what the clause needs. `not-testable`: the evidence holds nothing that
#: the clause speaks of, or no check can decide it from evidence alone. Neither is a pass.
Status = Literal["passed", "failed", "not-applicable", "not-testable"]

#: Decided even where frames lack the shape that every other check relies on; and what rests on no frame.
_SHAPE = "envelope.fields"
_FRAMELESS = "result"


@dataclass(frozen=True, slots=True)
class ClauseVerdict:
    """What one run says about one clause."""

    clause: Clause
    status: Status
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run says about the whole contract: one row per clause, in the order of the contract."""

    clauses: tuple[ClauseVerdict, ...]

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every violation, of MUST and SHOULD clauses alike."""
        return tuple(violation for row in self.clauses for violation in row.violations)

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of the clauses that were broken."""
        return tuple(row.clause.id for row in self.clauses if row.status == "failed")

    @property
    def broken_musts(self) -> tuple[str, ...]:
        """The ids of the broken clauses of level MUST."""
        return tuple(row.clause.id for row in self.clauses if row.status == "failed" and row.clause.level == "MUST")

    @property
    def tested(self) -> tuple[str, ...]:
        """The ids of the clauses that this run decided; empty means that nothing was checked."""
        return tuple(row.clause.id for row in self.clauses if row.status in ("passed", "failed"))

    def status(self, clause_id: str) -> Status:
        """Return how the clause fared.

        Raises:
            ConformanceError: No clause has that id.
        """
        wanted = clause(clause_id)
        return next(row.status for row in self.clauses if row.clause is wanted)


def judge(evidence: Evidence, capabilities: Collection[str] = CAPABILITIES) -> Verdict:
    """Return the verdict on one run of a runtime that declares `capabilities`.

    Raises:
        ConformanceError: The contract knows no such capability.
    """
    able = declared(frozenset(capabilities))
    shaped = all(map(readable, evidence.frames))
    return Verdict(tuple(_decided(row, evidence, able, shaped=shaped) for row in CLAUSES.values()))


def _decided(row: Clause, evidence: Evidence, able: frozenset[str], *, shaped: bool) -> ClauseVerdict:
    if not row.capabilities <= able:
        return ClauseVerdict(row, "not-applicable")
    check = CHECKS.get(row.id)
    if check is None or not (shaped or row.id == _SHAPE or row.area == _FRAMELESS) or not check.testable(evidence):
        return ClauseVerdict(row, "not-testable")
    violations = check(evidence)
    return ClauseVerdict(row, "failed" if violations else "passed", violations)
