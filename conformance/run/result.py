"""What becomes of a scenario, as plain data that goes from one process to another."""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from conformance.contract.clauses import CLAUSES
from conformance.run.failures.failed_runs import FailedRun
from conformance.run.judge import ClauseStatus, Decision, Verdict
from conformance.stage.scenario import Scenario
from conformance.timeline.check import Violation

#: Of one clause in several runs, so many violations are told; a broken subject breaks it at every place.
_MOST: Final = 10


class ScenarioResult(Struct, frozen=True):
    scenario: str
    decisions: tuple[Decision, ...] = ()
    #: A failure of the harness itself, with its traceback; it says nothing about the subject.
    fault: str | None = None
    #: Why the subject can't be put there at all, whatever it does: whoever tests it has to know.
    unusable: str | None = None
    #: Runs that broke clauses, to be looked at.
    failed_runs: tuple[FailedRun, ...] = ()
    #: Where what ended the scenario arose in the subject.
    traceback: str | None = None


def without_secrets(result: ScenarioResult, redacted: Callable[[str], str]) -> ScenarioResult:
    """Return a result whose messages, which may quote somebody's recording, are as `redacted` gives them."""

    def clean(violations: tuple[Violation, ...]) -> tuple[Violation, ...]:
        return tuple(replace(violation, message=redacted(violation.message)) for violation in violations)

    return replace(
        result,
        decisions=tuple(replace(decision, violations=clean(decision.violations)) for decision in result.decisions),
        fault=None if result.fault is None else redacted(result.fault),
        traceback=None if result.traceback is None else redacted(result.traceback),
        failed_runs=tuple(replace(run, violations=clean(run.violations)) for run in result.failed_runs),
    )


def about(result: ScenarioResult, clauses: Collection[str]) -> ScenarioResult:
    """Return a result of whose runs those are left that broke one of `clauses`, with what broke these."""
    runs = (
        replace(run, violations=tuple(violation for violation in run.violations if violation.clause in clauses))
        for run in result.failed_runs
    )
    return replace(result, failed_runs=tuple(run for run in runs if run.violations))


def all_failed(scenario: Scenario, why: str, raised: BaseException | None = None) -> ScenarioResult:
    """Return that a scenario can't be gone through with, so that its clauses have failed; `raised` is the subject's."""
    ordered = [clause for clause in CLAUSES if clause in scenario.clauses]
    failed = tuple(Decision(clause, "failed", (Violation(clause, None, why),)) for clause in ordered)
    trace = None if raised is None else "".join(traceback.format_exception(raised))
    return ScenarioResult(scenario.id, failed, traceback=trace)


def result_of(scenario: Scenario, verdicts: Iterable[tuple[str, Verdict]]) -> ScenarioResult:
    """Put together what the runs of one scenario say, each with its label.

    A clause that any run breaks has failed. One that the scenario is for has passed where a run decides it, and is not
    testable where none does, unless others may.
    """
    statuses: defaultdict[str, set[ClauseStatus]] = defaultdict(set)
    broken: defaultdict[str, list[Violation]] = defaultdict(list)
    for label, verdict in verdicts:
        for decision in verdict.decisions:
            statuses[decision.clause].add(decision.status)
            broken[decision.clause] += (labelled(label, violation) for violation in decision.violations)
    decisions = []
    for clause in CLAUSES:
        mine = clause in scenario.clauses
        if "failed" in statuses[clause]:
            decisions.append(Decision(clause, "failed", tuple(_most(broken[clause]))))
        elif mine and "passed" in statuses[clause]:
            decisions.append(Decision(clause, "passed"))
        elif mine and "not-testable" in statuses[clause] and scenario.unshown is None:
            decisions.append(Decision(clause, "not-testable"))
    return ScenarioResult(scenario.id, tuple(decisions))


def unshown(scenario: Scenario, clause: str) -> Decision | None:
    """Return that a clause can't be tested where neither this scenario nor any other decides it; None where one must."""
    if scenario.unshown is None:
        return None
    return Decision(clause, "not-testable", (Violation(clause, None, scenario.unshown(clause)),))


def labelled(label: str, violation: Violation) -> Violation:
    """Return a violation as a result of several runs tells it."""
    return replace(violation, message=f"{label}: {violation.message}") if label else violation


def _most(violations: list[Violation]) -> Iterable[Violation]:
    yield from violations[:_MOST]
    if len(violations) > _MOST:
        yield Violation(violations[0].clause, None, f"and {len(violations) - _MOST} more")
