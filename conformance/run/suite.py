"""The only loop: every scenario in a process of its own, with a deadline; a subject that hangs or exits has failed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.run.failures.failed_runs import failed_runs
from conformance.run.judge import Decision, judge
from conformance.run.outcome import Tested
from conformance.run.result import ScenarioResult, all_failed, result_of, unshown
from conformance.run.workers.processes import LostError, Processes
from conformance.stage.points import Stage, StageError
from conformance.stage.scenario import Scenario
from conformance.stage.server import ScriptedProvider
from conformance.subjects.subject import NotOfferedError, Performance, UnusableError
from conformance.timeline.check import Violation
from harness.errors import ConformanceError, UsageError, error_text
from harness.recording import no_way_out

_SUITE: Final = Path(__file__).parents[1]
#: The folders whose code handles what a subject gives, and what Python raises there of a value that is another than was due.
_OF_SCENARIOS: Final = frozenset({"areas", "stage"})
_OF_A_VALUE: Final = (TypeError, ValueError, LookupError, StopIteration, StopAsyncIteration)
#: Gives a subject in whatever process it is called in: a function of a module, or a partial of one.
Load = Callable[[], Tested]


class Performer:
    """Puts one subject into scenarios, each in a process of its own. Called from several threads."""

    def __init__(self, load: Load, deadline_s: float | None = None) -> None:
        self._processes = Processes(load, perform_named, prepare_named)
        self._deadline_s = deadline_s

    def perform(self, scenario: Scenario) -> ScenarioResult:
        try:
            result: ScenarioResult = self._processes.perform(scenario.id, self._deadline_s or scenario.deadline_s)
        except LostError as lost:
            return all_failed(scenario, str(lost))
        return result

    def close(self) -> None:
        self._processes.close()


class TestedSubject:
    """A subject in the process of the tests, to read what it declares, and what became of scenarios with it.

    `load` gives it in processes of its own kind; without it an instance is used in the process of the tests. What is asked
    for again is not performed again.
    """

    def __init__(self, declared: Tested, load: Load | None = None) -> None:
        self.declared = declared
        self._results: dict[str, ScenarioResult] = {}
        self._performer = None if load is None else Performer(load)

    def result(self, scenario: Scenario) -> ScenarioResult:
        """Return what became of a scenario.

        Raises:
            UsageError: the subject can't be put into scenarios here.
            ConformanceError: the suite itself failed.
        """
        if scenario.id not in self._results:
            self._results[scenario.id] = (
                perform(self.declared, scenario) if self._performer is None else self._performer.perform(scenario)
            )
        result = self._results[scenario.id]
        if result.unusable is not None:
            raise UsageError(result.unusable)
        if result.fault is not None:
            raise ConformanceError(f"the suite itself failed in {scenario.id}; report it:\n{result.fault}")
        return result

    def close(self) -> None:
        if self._performer is not None:
            self._performer.close()


def performed(
    load: Load, chosen: Iterable[Scenario], *, workers: int = 1, deadline_s: float | None = None
) -> Iterator[ScenarioResult]:
    """Perform scenarios; yield their results in order."""
    performer = Performer(load, deadline_s)
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from pool.map(performer.perform, chosen)
        finally:
            performer.close()


def undecided(
    chosen: Iterable[Scenario], clauses: Collection[str], results: Iterable[ScenarioResult]
) -> Iterator[ScenarioResult]:
    """Yield what the results of scenarios have not decided of `clauses`, where others need not decide it."""
    chosen = list(chosen)
    decided = {decision.clause for result in results for decision in result.decisions}
    for clause in CLAUSES:
        first = next((scenario for scenario in chosen if clause in scenario.clauses), None)
        if clause in clauses and clause not in decided and first is not None:
            decision = unshown(first, clause)
            if decision is not None:
                yield ScenarioResult(first.id, (decision,))


def perform(subject: Tested, scenario: Scenario) -> ScenarioResult:
    """Put `subject` into one scenario, here, and judge what it does."""
    stage = Stage()
    try:
        with no_way_out(), ScriptedProvider(stage) as provider:
            try:
                own_types = frozenset(getattr(subject, "event_types", ()))
                seen = scenario.observe(subject, Performance(stage, provider))
                shown = [replace(run, own_types=own_types) for run in seen]
            finally:
                stage.release_all()
        judged = [(run, judge(run, subject.capabilities)) for run in shown]
        result = result_of(scenario, ((run.label, verdict) for run, verdict in judged))
        return replace(result, failed_runs=failed_runs(judged))
    except StageError as error:
        return all_failed(scenario, str(error), error.__cause__)
    except NotOfferedError as error:
        missing = Violation(error.clause, None, str(error))
        return ScenarioResult(scenario.id, (Decision(error.clause, "failed", (missing,)),))
    except UnusableError as error:
        return ScenarioResult(scenario.id, unusable=str(error))
    except Exception as error:
        why = _fault_of_subject(error)
        if why is None:
            return ScenarioResult(scenario.id, fault=traceback.format_exc())
        return all_failed(scenario, why, error)


def perform_named(subject: Tested, scenario: str) -> ScenarioResult:
    return perform(subject, scenarios()[scenario])


def prepare_named(subject: Any, scenario: str) -> bool:
    """Have a subject import what it takes to speak to the provider of a scenario; return whether there is any."""
    provider = scenarios()[scenario].provider
    if provider is None or not hasattr(subject, "import_provider"):
        return False
    subject.import_provider(provider)
    return True


def _fault_of_subject(error: Exception) -> str | None:
    """Return what a subject did wrong, or gave that can't be used; None where the suite itself is to blame."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place, raised = Path(last.filename), f"{type(error).__name__}: {error_text(error)}"
    if not place.is_relative_to(_SUITE):
        return f"the subject raised {raised}"
    if isinstance(error, AttributeError) and not type(error.obj).__module__.startswith("conformance."):
        return f"the subject raised {raised}"  # asked in vain of a session, flow or LLM of the subject's
    inside = place.relative_to(_SUITE)
    if isinstance(error, _OF_A_VALUE) and inside.parts[0] in _OF_SCENARIOS:
        return f"the subject gave what can't be used: {raised} (conformance/{inside.as_posix()}, line {last.lineno})"
    return None
