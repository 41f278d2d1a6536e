"""The plainest scenario: a run that is read to its end, its result and its events again."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from conformance.stage.consumer import Consumer, both
from conformance.stage.programs import Program
from conformance.stage.scenario import Scenario
from conformance.timeline.evidence import Evidence, ProgramOutcome


def whole_run(
    name: str, program: Program, clauses: AbstractSet[str], needs: AbstractSet[str], value: Any = None
) -> tuple[Scenario, Scenario]:
    """Return scenarios that read a run to its end; `value` is what it returns, where it does not fail."""
    return both(name, clauses, lambda consumer: with_outcome(consumer, consumer.read_programs(program), value), needs)


def with_outcome(consumer: Consumer, evidence: Evidence, value: Any = None) -> Evidence:
    """Return evidence of a run with what its program did: it raised what it noted, or came to `value`."""
    raised = consumer.stage.noted("raised")
    if raised:
        return replace(evidence, outcome=ProgramOutcome(error=raised[0]))
    return evidence if evidence.ended == "failed" else replace(evidence, outcome=ProgramOutcome(value))
