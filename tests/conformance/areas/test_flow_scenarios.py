"""The scenarios of pauses and restores: this runtime passes every clause that each of them names."""

from __future__ import annotations

from importlib import metadata

import pytest

from conformance.areas.catalogue import scenarios
from conformance.run.suite import perform
from conformance.stage.scenario import Scenario
from conformance.subjects.harness import HarnessSubject

SCENARIOS = [
    scenario
    for scenario in scenarios().values()
    if (scenario.part or scenario.needs & {"feedback", "checkpoint"}) and "turn" not in scenario.needs
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_the_runtime_passes_every_clause_that_a_scenario_names(scenario: Scenario) -> None:
    result = perform(HarnessSubject(), scenario)
    assert result.fault is None
    assert {decision.clause for decision in result.decisions if decision.status == "passed"} == scenario.clauses


def test_declared_flows_are_no_part_of_the_subject_without_what_their_expressions_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert hasattr(HarnessSubject(), "declared_flow")
    real = metadata.Distribution.discover
    monkeypatch.setattr(
        metadata.Distribution, "discover", lambda **which: () if which["name"] == "cel-python" else real(**which)
    )
    assert not hasattr(HarnessSubject(), "declared_flow")
