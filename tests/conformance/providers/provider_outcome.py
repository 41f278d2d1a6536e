"""What the suite finds out about integrations, all of it performed here and now."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.run.command import plan_providers
from conformance.run.outcome import SuiteOutcome


def outcome_of(names: Iterable[str], clauses: Iterable[str] = ()) -> SuiteOutcome:
    plan = plan_providers(names, clauses)
    return plan.outcome(list(plan.perform(plan.steps, workers=1)))
