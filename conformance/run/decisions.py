"""What becomes of a scenario, as plain data that goes from one process to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from conformance.contract.clauses import CLAUSES
from conformance.run.judge import Status


@dataclass(frozen=True)
class Found:
    """One violation."""

    seq: int | None
    message: str


@dataclass(frozen=True)
class Decision:
    """What one scenario says about one clause."""

    clause: str
    status: Status
    violations: tuple[Found, ...] = ()


@dataclass(frozen=True)
class ScenarioResult:
    """What became of one scenario."""

    scenario: str
    decisions: tuple[Decision, ...]
    #: A failure of the harness itself, with its traceback; it says nothing about the subject.
    fault: str | None = None


class Situation(Protocol):
    """A scenario, as far as the processes that perform it need to know it."""

    @property
    def id(self) -> str: ...
    @property
    def clauses(self) -> frozenset[str]: ...


def all_failed(scenario: Situation, why: str) -> ScenarioResult:
    """Return that a scenario could not be gone through with, which fails every clause that it was to decide."""
    ordered = [clause for clause in CLAUSES if clause in scenario.clauses]
    return ScenarioResult(scenario.id, tuple(Decision(clause, "failed", (Found(None, why),)) for clause in ordered))
