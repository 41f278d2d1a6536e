"""What `harness conformance` and the pytest classes share: choosing, running, and handing over results."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import partial

from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.providers.integration import Integration, load_integration
from conformance.run.baseline import Baseline
from conformance.run.outcome import Tested
from conformance.run.plan import Part, SuitePlan, TestedFacts
from conformance.subjects.subject import load_subject
from harness.errors import UsageError
from harness.recording import Trust


def plan_suite(subject: str, clauses: Iterable[str] = (), expected: Baseline | None = None) -> SuitePlan:
    """Return the suite, or the part of it that decides the clauses chosen by globs, against a runtime.

    Raises:
        UsageError: a glob fits no clause, or the known failures that are expected are another subject's.
        ConformanceError: the subject can't be loaded.
    """
    chosen = _chosen(tuple(clauses))
    loaded = load_subject(subject)
    if expected is not None:
        expected.check_subject(loaded.name)
    part = Part(_fitting(loaded, chosen), frozenset(chosen), load=partial(load_subject, subject))
    facts, unreachable = TestedFacts.of(loaded, "--runtime", subject), frozenset(out_of_reach(loaded))
    return SuitePlan(facts, (part,), frozenset(chosen), unreachable)


def plan_providers(
    names: Iterable[str], clauses: Iterable[str] = (), trust: Trust | None = None, expected: Baseline | None = None
) -> SuitePlan:
    """Return the suite, or the part of it that decides the clauses chosen by globs, against integrations by their recordings.

    Their targets may be what is trusted, and nothing else.

    Raises:
        UsageError: a glob fits no clause that recordings can show, a name stands for no recordings, a target of
            theirs is not trusted or can't be imported here, or the known failures are another's.
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
    parts = []
    for name, loaded in integrations.items():
        able = {clause for clause in chosen if CLAUSES[clause].capabilities <= loaded.capabilities}
        parts.append(Part(_fitting(loaded, able), frozenset(able), loaded.name, loads[name]))
    name = ", ".join(loaded.name for loaded in integrations.values())
    if expected is not None:
        expected.check_subject(name)
    together = Integration(name, tuple(made for loaded in integrations.values() for made in loaded.runs))
    options = [option for name in loads for option in ("--provider", name)]
    return SuitePlan(TestedFacts.of(together, *options), tuple(parts), frozenset(chosen), shown=shown)


def _fitting(subject: Tested, chosen: set[str]) -> tuple[str, ...]:
    return tuple(name for name, scenario in scenarios().items() if scenario.fits(subject) and scenario.clauses & chosen)


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
