"""What became of the scenarios that one subject has been put into, each performed once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from conformance.run.outcome import Tested
from conformance.run.result import ScenarioResult
from conformance.run.suite import Load, Performer, perform
from conformance.stage.scenario import Scenario
from harness.errors import ConformanceError, UsageError


class TestedSubject:
    """A subject in the process of the tests, to read what it declares, and what became of scenarios with it.

    `load` gives it in processes of its own kind; without it an instance is used in the process of the tests. What is asked
    for again is not performed again.
    """

    def __init__(self, declared: Tested, load: Load | None = None) -> None:
        self.declared = declared
        self._results: dict[str, ScenarioResult] = {}
        self._performer = None if load is None else Performer(load)
        self._perform: Callable[[Scenario], ScenarioResult] = (
            partial(perform, declared) if self._performer is None else self._performer.perform
        )

    def result(self, scenario: Scenario) -> ScenarioResult:
        """Return what became of a scenario.

        Raises:
            UsageError: the subject can't be put into scenarios here.
            ConformanceError: the suite itself failed.
        """
        if scenario.id not in self._results:
            self._results[scenario.id] = self._perform(scenario)
        result = self._results[scenario.id]
        if result.unusable is not None:
            raise UsageError(result.unusable)
        if result.fault is not None:
            raise ConformanceError(f"the suite itself failed in {scenario.id}; report it:\n{result.fault}")
        return result

    def close(self) -> None:
        """End all processes."""
        if self._performer is not None:
            self._performer.close()
