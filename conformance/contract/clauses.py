"""The streaming contract as data: every clause, in the order of the contract page."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

from conformance import areas
from harness import ConformanceError

Level = Literal["MUST", "SHOULD"]

#: What a runtime may declare that it can do. A clause that needs an undeclared one is not applicable to it.
CAPABILITIES: tuple[str, ...] = (
    "flow",
    "llm",
    "turn",
    "crew",
    "async",
    "feedback",
    "checkpoint",
    "threads",
    "tools",
    "thinking",
    "backpressure",
)


class Clause(Struct, frozen=True):
    """One row of the contract: a statement that one check can decide."""

    #: `area.name`, never renamed or reused.
    id: str
    #: The part before the dot, as in `envelope`.
    area: str
    level: Level
    statement: str
    #: All of these must be declared for the clause to be applicable; empty for a clause about every runtime.
    capabilities: frozenset[str]
    #: Keys of `conformance.contract.page.SOURCES`.
    sources: tuple[str, ...]


class Area(Struct, frozen=True):
    """A section of the contract, its clauses in order."""

    name: str
    title: str
    clauses: tuple[Clause, ...]


def clause(clause_id: str) -> Clause:
    """Return the clause of that id. Raises ConformanceError where the contract has none."""
    try:
        return CLAUSES[clause_id]
    except KeyError:
        area = clause_id.partition(".")[0]
        known = ", ".join(name for name in CLAUSES if name.startswith(f"{area}.")) or ", ".join(a.name for a in AREAS)
        raise ConformanceError(f"the contract has no clause {clause_id!r}; there are: {known}") from None


def declared(capabilities: frozenset[str]) -> frozenset[str]:
    """Return `capabilities`. Raises ConformanceError: one is unknown, which would make nothing applicable."""
    unknown = sorted(capabilities.difference(CAPABILITIES))
    if unknown:
        raise ConformanceError(f"unknown capabilities {', '.join(unknown)}; there are: {', '.join(CAPABILITIES)}")
    return capabilities


def _area(name: str) -> Area:
    text = files("conformance.areas").joinpath(name, "clauses.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    rows = msgspec.convert([{**row, "area": name} for row in document["clause"]], tuple[Clause, ...])
    for row in rows:
        declared(row.capabilities)
        if not row.id.startswith(f"{name}."):
            raise ConformanceError(f"{name}/clauses.toml: the row {row.id!r} stands in the wrong area")
    return Area(name, document["title"], rows)


#: The contract's sections, in order. Each stands in the folder of its area; an id is never renamed or reused.
AREAS: tuple[Area, ...] = tuple(map(_area, areas.AREAS))

#: Every clause by its id, in order.
CLAUSES: Mapping[str, Clause] = MappingProxyType({item.id: item for area in AREAS for item in area.clauses})
