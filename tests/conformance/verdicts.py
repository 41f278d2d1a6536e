"""What a verdict says of one clause, and of which it says anything."""

from __future__ import annotations

from conformance.run.judge import ClauseStatus, Verdict


def status(verdict: Verdict, clause: str) -> ClauseStatus:
    return next(decision.status for decision in verdict.decisions if decision.clause == clause)


def decided(verdict: Verdict) -> tuple[str, ...]:
    return tuple(decision.clause for decision in verdict.decisions if decision.status in ("passed", "failed"))
