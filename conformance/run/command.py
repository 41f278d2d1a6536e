"""What `harness conformance` and the pytest classes share: choosing, running, and handing over results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance.areas.scenarios import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.providers.found import RecordedProvider, load_provider
from conformance.providers.performing import run_provider
from conformance.providers.scenarios import provider_scenarios
from conformance.report import Case
from conformance.run.outcome import SuiteOutcome, outcome_of
from conformance.run.suite import run
from conformance.subjects.subject import Subject, load_subject
from harness.errors import UsageError
from harness.recording import Trust


def run_suite(subject: str, clauses: Iterable[str] = (), workers: int = 1) -> SuiteOutcome:
    """Run the suite, or the part of it that decides the clauses chosen by globs, against a subject.

    Raises:
        UsageError: a glob fits no clause.
        ConformanceError: the subject can't be loaded.
    """
    chosen = _chosen(tuple(clauses))
    names = [one.id for one in scenarios() if one.clauses & chosen]
    loaded = load_subject(subject)
    return outcome_of(loaded, run(subject, names, workers=workers), chosen, out_of_reach(loaded))


def out_of_reach(subject: Subject) -> set[str]:
    """Return the clauses for which there are scenarios, none of which the subject declares enough for."""
    within = {clause for one in scenarios() if one.fits(subject) for clause in one.clauses}
    return {clause for one in scenarios() for clause in one.clauses} - within


def run_providers(
    names: Iterable[str], clauses: Iterable[str] = (), workers: int = 1, trust: Trust | None = None
) -> SuiteOutcome:
    """Run the provider suite, or the part of it that decides the clauses chosen by globs, against recordings.

    Their targets may be what is trusted, and nothing else.

    Raises:
        UsageError: a glob fits no clause that recordings can show, a name stands for no recordings, or a target is not
            trusted.
        UnreadableRecordingError: one of the recordings can't be read.
    """
    chosen = _chosen(tuple(clauses))
    decided = frozenset[str]().union(*(one.clauses for one in provider_scenarios()))
    if not chosen & decided:
        raise UsageError(f"--clause: recordings show none of these; they show {', '.join(sorted(decided))}")
    # All are looked at before any is run.
    providers = {name: load_provider(name, trust) for name in dict.fromkeys(names)}
    _check_names(providers)
    results = [result for name in providers for result in run_provider(name, chosen, workers=workers, trust=trust)]
    broken = {one.clause for result in results for one in result.decisions if one.status == "failed"}
    return outcome_of(_Together(tuple(providers.values())), results, chosen & (decided | broken))


@dataclass(frozen=True)
class _Together:
    """Several providers, as one subject."""

    providers: tuple[RecordedProvider, ...]

    @property
    def name(self) -> str:
        return ", ".join(one.name for one in self.providers)

    @property
    def version(self) -> str:
        return ", ".join(dict.fromkeys(one.version for one in self.providers))

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset[str]().union(*(one.capabilities for one in self.providers))


def _check_names(providers: Mapping[str, RecordedProvider]) -> None:
    asked: dict[str, str] = {}
    for name, provider in providers.items():
        other = asked.setdefault(provider.name, name)
        if other != name:
            raise UsageError(f"--provider {other!r} and {name!r} are both called {provider.name!r} in a report")


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
            details = tuple(f"frame {one.seq}: {one.message}" for one in decision.violations)
            name = f"{row.clause.id}[{scenario}]"
            found.append(Case("conformance", name, "failed" if bad else "passed", message, details))
    found.extend(Case("conformance", scenario, "error", message) for scenario, message in outcome.faults)
    return found
