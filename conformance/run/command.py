"""What `harness conformance` and the pytest classes share: choosing, running, and handing over results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial

from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.providers.integration import Integration, load_integration
from conformance.report import Case
from conformance.run.baseline import Baseline
from conformance.run.outcome import SuiteOutcome, Tested, outcome_of
from conformance.run.result import ScenarioResult
from conformance.run.suite import Load, run
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import load_subject
from harness.errors import UsageError
from harness.recording import Trust


def run_suite(
    subject: str, clauses: Iterable[str] = (), workers: int = 1, expected: Baseline | None = None
) -> SuiteOutcome:
    """Run the suite, or the part of it that decides the clauses chosen by globs, against a runtime.

    Raises:
        UsageError: a glob fits no clause, or the known failures that are expected are another subject's.
        ConformanceError: the subject can't be loaded.
    """
    chosen = _chosen(tuple(clauses))
    loaded = load_subject(subject)
    if expected is not None:
        expected.check_subject(loaded.name)
    results = run(partial(load_subject, subject), _fitting(loaded, chosen), chosen, workers=workers)
    return outcome_of(loaded, results, chosen, out_of_reach(loaded))


def run_providers(
    names: Iterable[str],
    clauses: Iterable[str] = (),
    workers: int = 1,
    trust: Trust | None = None,
    expected: Baseline | None = None,
) -> SuiteOutcome:
    """Run the suite, or the part of it that decides the clauses chosen by globs, against integrations by their recordings.

    Their targets may be what is trusted, and nothing else.

    Raises:
        UsageError: a glob fits no clause that recordings can show, a name stands for no recordings, a target of
            theirs is not trusted, or can't be imported or started here, or the known failures are another's.
        UnreadableRecordingError: one of the recordings can't be read.
    """
    chosen = _chosen(tuple(clauses))
    shown = frozenset[str]().union(
        *(scenario.clauses for scenario in scenarios().values() if scenario.tests == "integration")
    )
    if not chosen & shown:
        raise UsageError(f"--clause: recordings show none of these; they show {', '.join(sorted(shown))}")
    # All are looked at before any is run.
    loads = {name: partial(load_integration, name, trust) for name in dict.fromkeys(names)}
    integrations = {name: load() for name, load in loads.items()}
    _check_names(integrations)
    name = ", ".join(loaded.name for loaded in integrations.values())
    if expected is not None:
        expected.check_subject(name)
    results = [
        result
        for name, loaded in integrations.items()
        for result in _of_integration(loads[name], loaded, chosen, workers)
    ]
    broken = {decision.clause for result in results for decision in result.decisions if decision.status == "failed"}
    together = Integration(name, tuple(made for loaded in integrations.values() for made in loaded.runs))
    return outcome_of(together, results, chosen & (shown | broken))


def _of_integration(load: Load, loaded: Integration, chosen: set[str], workers: int) -> Iterator[ScenarioResult]:
    """Yield the results of one integration; its scenarios are told with its name."""
    able = {clause for clause in chosen if CLAUSES[clause].capabilities <= loaded.capabilities}
    for result in run(load, _fitting(loaded, able), able, workers=workers):
        if result.unusable is not None:
            raise UsageError(result.unusable)
        yield replace(result, scenario=result.scenario.replace("provider/", f"{loaded.name}/", 1))


def _fitting(subject: Tested, chosen: set[str]) -> Iterator[Scenario]:
    return (scenario for scenario in scenarios().values() if scenario.fits(subject) and scenario.clauses & chosen)


def out_of_reach(subject: Tested) -> set[str]:
    """Return the clauses for which there are scenarios, none of which the subject declares enough for."""
    every = [scenario for scenario in scenarios().values() if scenario.tests == "runtime"]
    within = {clause for scenario in every if scenario.fits(subject) for clause in scenario.clauses}
    return {clause for scenario in every for clause in scenario.clauses} - within


def _check_names(integrations: dict[str, Integration]) -> None:
    names: dict[str, str] = {}
    for name, loaded in integrations.items():
        other = names.setdefault(loaded.name, name)
        if other != name:
            raise UsageError(f"--provider {other!r} and {name!r} are both called {loaded.name!r} in a report")


def _chosen(globs: tuple[str, ...]) -> set[str]:
    for glob in globs:
        if not any(fnmatchcase(clause, glob) for clause in CLAUSES):
            raise UsageError(f"--clause {glob!r} fits no clause; there are, for example, cleanup.* and result.value")
    return {clause for clause in CLAUSES if not globs or any(fnmatchcase(clause, glob) for glob in globs)}


def cases(outcome: SuiteOutcome) -> list[Case]:
    """Return one JUnit case for each clause and scenario, and for each clause that nothing decided."""
    found = []
    for row in outcome.clauses:
        if row.status == "not-applicable":
            found.append(Case("conformance", row.clause.id, "skipped", "not applicable"))
        elif not row.decisions:
            found.append(Case("conformance", row.clause.id, "failed", "no scenario decides it"))
        for scenario, decision in row.decisions:
            bad = decision.status != "passed"
            message = (decision.violations[0].message if decision.violations else decision.status) if bad else None
            details = tuple(f"frame {violation.seq}: {violation.message}" for violation in decision.violations)
            name = f"{row.clause.id}[{scenario}]"
            found.append(Case("conformance", name, "failed" if bad else "passed", message, details))
    found.extend(Case("conformance", scenario, "error", message) for scenario, message in outcome.faults)
    return found
