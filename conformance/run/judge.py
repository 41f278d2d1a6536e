"""The verdict on one run: for every clause whether it held, was broken, could not be decided, or does not apply."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from conformance.areas.catalogue import checks
from conformance.areas.envelope.checks import readable
from conformance.contract.clauses import CAPABILITIES, CLAUSES, Clause, declared
from conformance.timeline.check import Violation
from conformance.timeline.evidence import Evidence

#: `not-applicable`: the runtime does not declare what the clause needs. `not-testable`: the evidence holds nothing that
#: the clause speaks of, or no check can decide it from evidence alone. Neither is a pass.
ClauseStatus = Literal["passed", "failed", "not-applicable", "not-testable"]

#: Decided even where frames lack the shape that every other check relies on; and what rests on no frame.
_SHAPE = "envelope.fields"
_FRAMELESS = "result"


class Decision(Struct, frozen=True):
    """What one run, or all runs of one scenario, say about one clause."""

    clause: str
    status: ClauseStatus
    violations: tuple[Violation, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """What JSON documents say of it, beside its clause."""
        found = [{"seq": violation.seq, "message": violation.message} for violation in self.violations]
        return {"status": self.status, "violations": found}


class Verdict(Struct, frozen=True):
    """What one run says about the whole contract: one decision per clause, in the order of the contract."""

    decisions: tuple[Decision, ...]

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every violation, of MUST and SHOULD clauses alike."""
        return tuple(violation for decision in self.decisions for violation in decision.violations)

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(decision.clause for decision in self.decisions if decision.status == "failed")


def judge(evidence: Evidence, capabilities: Collection[str] = CAPABILITIES) -> Verdict:
    """Return the verdict on one run of a runtime with these capabilities. Raises ConformanceError: one is unknown."""
    able = declared(frozenset(capabilities))
    shaped = all(map(readable, evidence.frames))
    return Verdict(tuple(_decided(row, evidence, able, shaped=shaped) for row in CLAUSES.values()))


def _decided(row: Clause, evidence: Evidence, able: frozenset[str], *, shaped: bool) -> Decision:
    if not row.capabilities <= able:
        return _decision(row.id, "not-applicable")
    violations = broken_by(row, evidence, shaped=shaped)
    if violations is None:
        return _decision(row.id, "not-testable")
    return Decision(row.id, "failed", violations) if violations else _decision(row.id, "passed")


@cache
def _decision(clause: str, status: ClauseStatus) -> Decision:
    """Return a decision without violations: nearly all are, and one serves all runs."""
    return Decision(clause, status)


def broken_by(row: Clause, evidence: Evidence, *, shaped: bool) -> tuple[Violation, ...] | None:
    """Return where the clause is broken; None where nothing decides it. `shaped`: all frames have the shape due."""
    check = checks().get(row.id)
    if check is None and not evidence.expected:
        return None
    expected = [expectation for expectation in evidence.expected if expectation.clause == row.id]
    found = [Violation(row.id, *breach) for expectation in expected for breach in expectation.breaches]
    if check is not None and (shaped or row.id == _SHAPE or row.area == _FRAMELESS) and check.testable(evidence):
        return (*found, *check(evidence))
    return tuple(found) if expected else None
