"""From what scenarios said to the outcome of a clause."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conformance.areas.catalogue import scenarios
from conformance.run.command import out_of_reach
from conformance.run.judge import Decision
from conformance.run.outcome import SuiteOutcome, outcome_of
from conformance.run.result import ScenarioResult
from conformance.run.suite import perform
from conformance.stage.scenario import Scenario
from conformance.subjects.harness import HarnessSubject
from conformance.timeline.check import Violation


@dataclass(frozen=True)
class Flows:
    name: str = "flows"
    version: str = "1"
    capabilities: frozenset[str] = frozenset({"flow"})


def outcome(*decisions: Decision) -> SuiteOutcome:
    clauses = {decision.clause for decision in decisions}
    return outcome_of(Flows(), [ScenarioResult("one/sync", decisions)], clauses)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["passed", "not-testable"], "not-testable"),
        ([], "not-testable"),
    ],
)
def test_a_clause_holds_where_all_that_was_to_decide_it_did_and_held(statuses: list[str], status: str) -> None:
    results = [ScenarioResult(status, (Decision("order.delivery", status),)) for status in statuses]  # type: ignore[arg-type]
    [row] = outcome_of(Flows(), results, ["order.delivery"]).clauses
    assert row.status == status


def test_what_is_said_of_a_clause_that_does_not_apply_is_of_no_account() -> None:
    hung = Decision("llm.usage", "failed", (Violation("llm.usage", None, "the subject did not come back"),))
    found = outcome(hung, Decision("order.delivery", "passed"))
    assert [(row.status, row.decisions) for row in found.clauses if row.clause.id == "llm.usage"] == [
        ("not-applicable", ())
    ]
    assert (found.failures, found.exit_code()) == (frozenset(), 0)


class Bare:
    """A session that has nothing of what a session has."""


def test_a_part_that_a_session_lacks_is_the_subjects_fault_and_not_the_suites() -> None:
    def observe(subject: object, performance: object) -> object:
        return Bare().events  # type: ignore[attr-defined]

    result = perform(HarnessSubject(), Scenario("lacks", frozenset({"order.delivery"}), observe))  # type: ignore[arg-type]
    assert result.fault is None
    assert [(one.clause, one.status) for one in result.decisions] == [("order.delivery", "failed")]
    assert "has no attribute 'events'" in result.decisions[0].violations[0].message


@pytest.mark.parametrize("able", ["flow", "flow async", "llm", "llm tools thinking"])
def test_a_clause_that_nothing_can_show_with_what_is_declared_does_not_apply(able: str) -> None:
    class Less(HarnessSubject):
        capabilities = frozenset(able.split())

    fitting = [scenario for scenario in scenarios().values() if scenario.fits(Less())]
    shown = {clause: Decision(clause, "passed") for scenario in fitting for clause in scenario.clauses}
    found = outcome_of(Less(), [ScenarioResult("all", tuple(shown.values()))], None, out_of_reach(Less()))
    assert [row.clause.id for row in found.clauses if row.status == "not-testable"] == []
    # What sessions are is shown by any run.
    assert {row.status for row in found.clauses if row.clause.id.startswith("session.replay")} <= {
        "passed",
        "not-applicable",
    }
    assert {"session.replay", "session.independent-views", "result.gated-after-break"} <= set(shown)
