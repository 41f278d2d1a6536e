"""Broken observations, and what must become of them: one row per fault, beside the sound observation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from conformance.areas.observations import Observation
from conformance.run.judge import judge
from conformance.timeline.evidence import Evidence


@dataclass(frozen=True)
class Fault:
    """A sound observation with some of its fields changed."""

    what: str
    clause: str
    sound: Observation
    changes: dict[str, Any]
    #: Other clauses that the same fault breaks.
    also: frozenset[str] = frozenset()
    #: What else was observed; sound.
    beside: tuple[Observation, ...] = ()

    def __str__(self) -> str:
        return f"{self.clause}: {self.what}"

    @property
    def broken(self) -> Evidence:
        return Evidence((), "closed", observations=(*self.beside, replace(self.sound, **self.changes)))

    @property
    def left_alone(self) -> Evidence:
        return Evidence((), "closed", observations=(*self.beside, self.sound))


def fault(
    what: str, clause: str, sound: Observation, *also: str, beside: tuple[Observation, ...] = (), **changes: Any
) -> Fault:
    return Fault(what, clause, sound, changes, frozenset(also), beside)


def assert_caught(row: Fault) -> None:
    """Hold that the sound observation breaks nothing and decides the clause, and that the fault breaks what it says."""
    sound = judge(row.left_alone)
    assert sound.failed == ()
    assert sound.status(row.clause) == "passed"
    assert set(judge(row.broken).failed) == {row.clause, *row.also}
