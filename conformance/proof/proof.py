"""The proof that checks can fail: the suite is run against every saboteur, and each must be caught by its clause."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from msgspec import Struct

from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.proof import Saboteur, saboteurs
from conformance.run.suite import performed
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.subject import load_subject

#: How long a broken runtime may take over one scenario; some of them hang, which is one way of being caught.
_DEADLINE_S: Final = 10.0
#: What stands above the table.
_HEAD: Final = (
    "# Runtimes broken on purpose, and the clauses that catch them",
    "",
    "Made by `python -m conformance.proof FILE`, which puts every saboteur through the whole suite. A saboteur is this",
    "runtime with one thing overridden. It must be caught by its clauses, and may fail others for the reasons that are",
    "listed beside it in `conformance/areas/`.",
    "",
)


class Caught(Struct, frozen=True):
    saboteur: Saboteur
    #: Every clause that it failed, and the scenarios in which it did.
    by: Mapping[str, tuple[str, ...]]
    #: Tracebacks of the suite itself: a saboteur must be judged, not break the judge.
    faults: tuple[str, ...] = ()

    @property
    def failed(self) -> frozenset[str]:
        return frozenset(self.by)

    def complaints(self) -> list[str]:
        """Return what is wrong with its row, in words; nothing where it was caught as it says."""
        saboteur, name, listed = self.saboteur, self.saboteur.name, ", ".join(self.saboteur.clauses)
        missed = {*saboteur.clauses} - self.failed
        unlisted = self.failed - {*saboteur.clauses, *saboteur.also, *saboteur.perhaps}
        idle = {*saboteur.also} - self.failed
        places = {scenario for clause in saboteur.clauses for scenario in self.by.get(clause, ())}
        return [
            *(f"{name} was not caught by {clause}" for clause in sorted(missed)),
            *(f"{name} was not caught at {scenario}" for scenario in scenarios_at(saboteur) if scenario not in places),
            *(f"{name} failed {clause} too, which is not listed beside {listed}" for clause in sorted(unlisted)),
            *(f"{name} broke the suite: {fault}" for fault in self.faults),
            *(f"{name} did not fail {clause}, which is listed beside {listed}" for clause in sorted(idle)),
        ]


def table(rows: Sequence[Caught]) -> dict[str, tuple[str, ...]]:
    """Return, for every clause that can be decided about the sound runtime, the saboteurs that it caught."""
    return {
        clause.id: tuple(row.saboteur.name for row in rows if clause.id in {*row.saboteur.clauses} & row.failed)
        for clause in CLAUSES.values()
        if clause.capabilities <= HarnessSubject.capabilities
    }


def wrong(rows: Sequence[Caught]) -> list[str]:
    """Return what the proof lacks, in words; each MUST is to catch a saboteur."""
    empty = [clause for clause, caught in table(rows).items() if not caught and CLAUSES[clause].level == "MUST"]
    complaints = [message for row in rows for message in row.complaints()]
    return complaints + [f"no saboteur is caught by {clause}" for clause in empty]


def page(rows: Sequence[Caught]) -> str:
    lines = [*_HEAD, "| clause | level | caught | beside it |", "|---|---|---|---|"]
    for clause, caught in table(rows).items():
        beside = [row.saboteur.name for row in rows if clause in row.failed and row.saboteur.name not in caught]
        names = ", ".join(caught) or "**nothing**"
        lines.append(f"| {clause} | {CLAUSES[clause].level} | {names} | {', '.join(beside)} |")
    return "\n".join(lines) + "\n"


def prove(workers: int = 1) -> tuple[Caught, ...]:
    """Run the suite against every saboteur.

    Calls to providers in their own formats are left out: they show nothing of a runtime that OpenAI's chat does not.
    """
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(partial(caught_in, scenarios_of(CLAUSES)), saboteurs().values()))


def scenarios_of(clauses: Iterable[str]) -> list[str]:
    """Return the scenarios that are to decide any of these clauses."""
    wanted, sound = set(clauses), HarnessSubject()
    return [
        scenario.id
        for scenario in scenarios().values()
        if scenario.clauses & wanted and scenario.provider is None and scenario.fits(sound)
    ]


def scenarios_at(saboteur: Saboteur) -> list[str]:
    """Return the scenarios at which a saboteur says that it is caught."""
    every = scenarios_of(saboteur.clauses)
    return [name for glob in saboteur.at.split() for name in fnmatch.filter(every, glob)]


def caught_in(chosen: Sequence[str], saboteur: Saboteur, address: str | None = None) -> Caught:
    """Put a saboteur, or what stands for it at another address, into scenarios."""
    by: defaultdict[str, list[str]] = defaultdict(list)
    faults: list[str] = []
    rows = [scenarios()[name] for name in chosen]
    for result in performed(partial(load_subject, address or saboteur.address), rows, deadline_s=_DEADLINE_S):
        for decision in result.decisions:
            if decision.status == "failed":
                by[decision.clause].append(result.scenario)
        if result.fault is not None:
            faults.append(f"{result.scenario}: {result.fault}")
    return Caught(saboteur, {clause: tuple(names) for clause, names in by.items()}, tuple(faults))
