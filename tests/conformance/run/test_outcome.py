"""From what scenarios said to the outcome of a clause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.areas.catalogue import scenarios
from conformance.areas.cleanup.closers import Closing, close_blocked
from conformance.run.command import out_of_reach
from conformance.run.judge import Decision
from conformance.run.outcome import SuiteOutcome, outcome_of
from conformance.run.result import ScenarioResult
from conformance.run.suite import perform, perform_named
from conformance.stage.points import Stage
from conformance.stage.reader import Reader, iterator_of
from conformance.stage.scenario import Scenario
from conformance.stage.server import ScriptedProvider
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.subject import Performance
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


STAGE = Stage()
PERFORMANCE = Performance(STAGE, ScriptedProvider(STAGE))


class Bare:
    """A session that has nothing of what a session has."""


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (lambda session: session.events, "has no attribute 'events'"),
        (lambda session: Reader("sync").read_whole(lambda: session), "has no attribute"),
        (partial(iterator_of, "async"), "can't be iterated"),
        (lambda session: Reader("sync").close(SimpleNamespace(close=7)), "TypeError: 'int' object is not callable"),
        (lambda session: close_blocked("sync", "close", list, PERFORMANCE, Closing()), "before its first frame"),
    ],
    ids=["no part", "no part of a whole", "of another kind", "no method", "nothing"],
)
def test_what_a_subject_gives_wrongly_is_its_own_fault_and_not_the_suites(use: Callable[[Any], Any], says: str) -> None:
    def observe(subject: object, performance: object) -> Any:
        return use(Bare())

    result = perform(HarnessSubject(), Scenario("lacks", frozenset({"order.delivery"}), observe))
    assert result.fault is None
    assert [(one.clause, one.status) for one in result.decisions] == [("order.delivery", "failed")]
    assert says in result.decisions[0].violations[0].message


def test_what_the_suite_does_wrong_is_not_said_of_the_subject() -> None:
    def observe(subject: object, performance: object) -> Any:
        return perform_named(None, "close/nowhere")  # type: ignore[arg-type]

    result = perform(HarnessSubject(), Scenario("wrong", frozenset({"order.delivery"}), observe))
    assert result.fault is not None
    assert result.decisions == ()


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
