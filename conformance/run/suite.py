"""The only loop: every scenario, in a process of its own, with a deadline, and judged.

A subject that hangs, exits or kills its loop is judged like any other: the scenario failed.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from conformance.areas.scenarios import scenarios
from conformance.run.decisions import Decision, Found, ScenarioResult, all_failed
from conformance.run.judge import judge
from conformance.run.processes import Kind, Loaded, Processes
from conformance.stage.points import Stage, StageError
from conformance.stage.scenario import Scenario
from conformance.stage.server import ScriptedProvider
from conformance.subjects.subject import NotOfferedError, Performance, Subject, load_subject

#: How long one scenario may take; a sound runtime takes milliseconds.
SCENARIO_DEADLINE_S: Final = 30.0


def run(
    subject: str, chosen: Sequence[str] | None = None, *, workers: int = 1, deadline_s: float = SCENARIO_DEADLINE_S
) -> Iterator[ScenarioResult]:
    """Run scenarios, all or those named, against a subject; yield their results in the order of the scenarios."""
    loaded = load_subject(subject)
    names = [one.id for one in scenarios() if one.fits(loaded) and (chosen is None or one.id in chosen)]
    with ThreadPoolExecutor(workers) as pool:
        processes = Processes(subject, deadline_s, RUNTIME)
        try:
            yield from pool.map(processes.perform, names)
        finally:
            processes.close()


def perform(subject: Subject, scenario: Scenario) -> ScenarioResult:
    """Put `subject` into one scenario, here, and judge what it does."""
    stage = Stage()
    try:
        with ScriptedProvider(stage) as provider:
            try:
                evidence = scenario.observe(subject, Performance(stage, provider))
            except StageError as error:
                return all_failed(scenario, str(error))
            finally:
                stage.release_all()
        verdict = judge(evidence, subject.capabilities)
    except NotOfferedError as error:
        return ScenarioResult(scenario.id, (Decision(error.clause, "failed", (Found(None, str(error)),)),))
    except Exception as error:
        if is_ours(error):
            return ScenarioResult(scenario.id, (), fault=traceback.format_exc())
        return all_failed(scenario, f"the subject raised {type(error).__name__}: {error}")
    decisions = []
    for row in verdict.clauses:
        mine = row.clause.id in scenario.clauses
        if row.status == "failed" or (row.status == "passed" and mine) or (mine and row.status == "not-testable"):
            found = tuple(Found(violation.seq, violation.message) for violation in row.violations)
            decisions.append(Decision(row.clause.id, row.status, found))
    return ScenarioResult(scenario.id, tuple(decisions))


def load(subject_name: str) -> Loaded:
    """Return the runtime of that name, as processes need it."""
    subject = load_subject(subject_name)
    by_id = {one.id: one for one in scenarios()}
    return Loaded(lambda name: perform(subject, by_id[name]), getattr(subject, "idle_threads", frozenset()))


#: The suite of runtimes.
RUNTIME: Final = Kind(load, scenarios)


def is_ours(error: Exception) -> bool:
    """Whether an exception was raised by the suite itself, and not by the subject that it called."""
    if isinstance(error, AttributeError) and not type(error.obj).__module__.startswith("conformance."):
        return False  # asked in vain of a session, flow or LLM of the subject's
    entries = traceback.extract_tb(error.__traceback__)
    return bool(entries) and Path(entries[-1].filename).is_relative_to(Path(__file__).parents[1])
