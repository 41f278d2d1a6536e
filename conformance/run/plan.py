"""What a run of the suite consists of, and its outcome from results that may have been made in several places."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from msgspec.structs import replace

from conformance.areas.catalogue import scenarios
from conformance.run.judge import Decision
from conformance.run.outcome import SuiteOutcome, Tested, outcome_of
from conformance.run.result import ScenarioResult
from conformance.run.scheduler import scheduled
from conformance.run.suite import Load, Performer, performed, undecided
from conformance.timeline.check import Violation
from harness.errors import UsageError


class TestedFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: str
    capabilities: frozenset[str]
    #: The command that tests it; empty where it was tested in another way.
    command: str = ""

    @classmethod
    def of(cls, tested: Tested, *options: str) -> TestedFacts:
        """Return the facts of a subject that `harness conformance` takes with these options."""
        command = shlex.join(["harness", "conformance", *options])
        return cls(tested.name, tested.version, tested.capabilities, command)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scenarios that one subject is put into, in order, and the clauses that they are to decide."""

    scenarios: tuple[str, ...]
    clauses: frozenset[str]
    #: Of an integration: what it is called in the names of its scenarios.
    name: str | None = None
    #: Makes the subject; None in a plan that only puts results together.
    load: Load | None = None

    def reported_name(self, scenario: str) -> str:
        """Return what reports call one of the scenarios: that of an integration has its name."""
        return scenario if self.name is None else scenario.replace("provider/", f"{self.name}/", 1)

    def reported(self, results: list[ScenarioResult]) -> list[ScenarioResult]:
        return [replace(result, scenario=self.reported_name(result.scenario)) for result in results]


class SuitePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is to be performed, and what follows from it."""

    subject: TestedFacts
    parts: tuple[Part, ...]
    #: The clauses that were asked for.
    clauses: frozenset[str]
    out_of_reach: frozenset[str] = frozenset()
    #: Of integrations: the clauses that recordings can show; others are told of where they are broken.
    shown: frozenset[str] | None = None

    @property
    def steps(self) -> list[tuple[int, str]]:
        """Each scenario to be performed, with the number of its part."""
        return [(number, scenario) for number, part in enumerate(self.parts) for scenario in part.scenarios]

    def steps_named(self, globs: Sequence[str]) -> list[tuple[int, str]]:
        """Return the steps whose scenario fits a glob, as called or reported. Raises UsageError: a glob fits none."""
        names = [(step, {step[1], self.parts[step[0]].reported_name(step[1])}) for step in self.steps]
        for glob in globs:
            if not any(fnmatchcase(name, glob) for _, both in names for name in both):
                example = next((step[1] for step in self.steps), "none")
                raise UsageError(
                    f"--scenario {glob!r} fits no scenario of these clauses; there are, for example, {example}"
                )
        return [step for step, both in names if any(fnmatchcase(name, glob) for name in both for glob in globs)]

    def perform(self, steps: Sequence[tuple[int, str]], workers: int) -> Iterator[ScenarioResult]:
        """Yield the results of some steps, in order. Raises UsageError: an integration can't be put there at all."""
        for number, part in enumerate(self.parts):
            chosen = [scenarios()[name] for at, name in steps if at == number]
            if chosen:
                assert part.load is not None
                for result in performed(part.load, chosen, workers=workers):
                    if part.name is not None and result.unusable is not None:
                        raise UsageError(result.unusable)
                    yield result

    def perform_scheduled(
        self, steps: Sequence[tuple[int, str]], scheduler: str
    ) -> Iterator[tuple[int, ScenarioResult]]:
        """Yield places and results of some steps, by a scheduler. Raises as `perform`; UsageError: none is there."""
        work = StepWork(tuple(part.load for part in self.parts))
        for place, result in scheduled(work, steps, scheduler, _lost):
            if self.parts[steps[place][0]].name is not None and result.unusable is not None:
                raise UsageError(result.unusable)
            yield place, result

    def outcome(self, results: Sequence[ScenarioResult]) -> SuiteOutcome:
        """Return the outcome of all steps, by their results in order."""
        reported: list[ScenarioResult] = []
        remaining = iter(results)
        for part in self.parts:
            mine = [next(remaining) for _ in part.scenarios]
            mine += undecided([scenarios()[name] for name in part.scenarios], part.clauses, mine)
            reported += part.reported(mine)
        broken = {
            decision.clause for result in reported for decision in result.decisions if decision.status == "failed"
        }
        clauses = self.clauses if self.shown is None else self.clauses & (self.shown | broken)
        return outcome_of(self.subject, reported, clauses, self.out_of_reach, self.subject.command)

    def partial_outcome(self, steps: Sequence[tuple[int, str]], results: Sequence[ScenarioResult]) -> SuiteOutcome:
        """Return what some steps have decided: nothing is said of what others are to decide."""
        reported = [
            each
            for (number, _), result in zip(steps, results, strict=True)
            for each in self.parts[number].reported([result])
        ]
        decided = {decision.clause for result in reported for decision in result.decisions}
        return outcome_of(self.subject, reported, self.clauses & decided, self.out_of_reach, self.subject.command)

    def document(self) -> dict[str, Any]:
        """Return the JSON form, of which `msgspec.convert` makes a plan that finds outcomes without the subject."""
        document: dict[str, Any] = msgspec.to_builtins(self, order="deterministic", enc_hook=lambda load: None)
        for part in document["parts"]:
            del part["load"]
        return document


class StepWork:
    def __init__(self, loads: tuple[Load | None, ...]) -> None:
        self._loads = loads
        self._performers: dict[int, Performer] = {}

    def __reduce__(self) -> tuple[type[StepWork], tuple[tuple[Load | None, ...]]]:
        return StepWork, (self._loads,)

    def __call__(self, step: tuple[int, str]) -> ScenarioResult:
        number, scenario = step
        load = self._loads[number]
        assert load is not None
        if number not in self._performers:
            self._performers[number] = Performer(load)
        return self._performers[number].perform(scenarios()[scenario])

    def close(self) -> None:
        for performer in self._performers.values():
            performer.close()


def _lost(step: tuple[int, str], exit_code: int | None) -> ScenarioResult:
    return ScenarioResult(step[1], fault=f"the process that performed it ended with exit code {exit_code}")


def result_document(result: ScenarioResult) -> dict[str, Any]:
    return {
        "scenario": result.scenario,
        "fault": result.fault,
        "unusable": result.unusable,
        "decisions": [{"clause": decision.clause, **decision.document} for decision in result.decisions],
    }


def result_of_document(document: Mapping[str, Any]) -> ScenarioResult:
    decisions = tuple(
        Decision(
            decision["clause"],
            decision["status"],
            tuple(Violation(decision["clause"], found["seq"], found["message"]) for found in decision["violations"]),
        )
        for decision in document["decisions"]
    )
    return ScenarioResult(document["scenario"], decisions, document["fault"], document["unusable"])
