"""What stands in the folders of the areas: every check, every scenario and every saboteur, in the contract's order."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.areas import AREAS
from conformance.contract.clauses import clause
from conformance.timeline.check import Check

if TYPE_CHECKING:
    from conformance.proof.saboteur import Saboteur
    from conformance.stage.scenario import Scenario


@cache
def checks() -> Mapping[str, Check]:
    """Return every check of frames by the id of its clause."""
    return MappingProxyType({clause(check.clause).id: check for check in _all("checks")})


@cache
def of_every_run() -> frozenset[str]:
    """Return the clauses that every run which is read to its end decides."""
    return frozenset(check.clause for check in checks().values() if check.of_every_run)


@cache
def scenarios() -> Mapping[str, Scenario]:
    """Return every scenario by its id, in the order in which reports show them."""
    return _by_name((scenario.id, scenario) for scenario in _all("scenarios"))


@cache
def saboteurs() -> Mapping[str, Saboteur]:
    """Return every saboteur by its name."""
    return _by_name((saboteur.name, saboteur) for saboteur in _all("saboteurs"))


def _all(kind: str) -> Iterator[Any]:
    for area in AREAS:
        name = f"{__package__}.{area}.{kind}"
        if importlib.util.find_spec(name) is not None:
            yield from getattr(importlib.import_module(name), kind.upper())


def _by_name(pairs: Iterator[tuple[str, Any]]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} is the name of two {type(value).__name__.lower()}s")
        found[name] = value
    return MappingProxyType(found)
