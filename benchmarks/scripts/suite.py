"""Where the time of the conformance suite goes, against this project's own runtime.

Usage: suite.py whole WORKERS | area NAME | slowest COUNT | start first|next; prints seconds, and for the slowest
scenarios first a line for each. An area is what stands before the first slash of a scenario's id.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from conformance.areas.catalogue import scenarios
from conformance.run.result import ScenarioResult
from conformance.run.suite import performed
from conformance.subjects.subject import load_subject

_LOAD: Final = partial(load_subject, "harness")
_FITTING: Final = {name: scenario for name, scenario in scenarios().items() if scenario.fits(_LOAD())}
#: Performed before the clock starts where one worker is kept: its start is measured apart. It must be the first of all.
_WARM: Final = next(iter(_FITTING))


def _results(names: Iterable[str], workers: int = 1) -> Iterator[ScenarioResult]:
    return performed(_LOAD, [_FITTING[name] for name in names], workers=workers)


def whole(workers: str) -> float:
    """Return what everything takes, from nothing to the last result, with so many workers."""
    began = time.perf_counter()
    count = sum(_held(result.scenario, result.fault) for result in _results(_FITTING, int(workers)))
    if not count:
        sys.exit("no scenario was performed")
    return time.perf_counter() - began


def area(name: str) -> float:
    """Return what the scenarios of an area take, one after the other in copies of a worker that has been used."""
    return sum(seconds for _, seconds in _timed(each for each in _FITTING if each.partition("/")[0] == name))


def slowest(count: str) -> float:
    """Return what the slowest scenarios take together."""
    slow = sorted(_timed(_FITTING), key=lambda row: row[1], reverse=True)[: int(count)]
    for scenario, seconds in slow:
        print(f"{seconds:.3f} {scenario}")
    return sum(seconds for _, seconds in slow)


def start(which: str) -> float:
    """Return what a worker takes until a short scenario has been performed: the first of all, or one after it."""
    took = 0.0
    for _ in ("first", "next")[: 1 if which == "first" else 2]:
        began = time.perf_counter()
        for _ in _results([_WARM]):
            took = time.perf_counter() - began
    return took


def _timed(names: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Yield each scenario with its seconds; with one worker, a result comes when the next scenario begins."""
    before = None
    for result in _results(dict.fromkeys((_WARM, *names))):
        _held(result.scenario, result.fault)
        now = time.perf_counter()
        if before is not None:
            yield result.scenario, now - before
        before = now


def _held(scenario: str, fault: str | None) -> bool:
    if fault is not None:
        sys.exit(f"{scenario}: {fault}")
    return True


_MODES: Final[dict[str, Callable[[str], float]]] = {"whole": whole, "area": area, "slowest": slowest, "start": start}

if __name__ == "__main__":
    print(_MODES[sys.argv[1]](sys.argv[2]))
