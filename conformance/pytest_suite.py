"""The suite as pytest classes: subclass one, override the fixture `subject`, and every clause is a test.

    class TestMyRuntime(RuntimeConformance):
        @pytest.fixture
        def subject(self) -> str:
            return "my_package.subject:MySubject"

A subject by its name is put into each scenario in a process of its own kind, with a deadline, as the command line does
it; an instance is put there in the process of the tests, which it can take along. A scenario is performed once for a
class and, under pytest-xdist, once for each worker that gets one of its tests.

`LLMConformance` tests an integration of a provider, by recordings of its calls:

    class TestMyProvider(LLMConformance):
        @pytest.fixture
        def recordings(self) -> Path:
            return Path(__file__).parent / "recordings"

A broken MUST fails its test and a broken SHOULD warns; what should have been decided and was not counts as broken. What
the subject does not declare is skipped, and a failure of the suite itself is an error of the test's setup.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from conformance.areas.scenarios import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.providers.found import RecordedProvider, load_provider
from conformance.providers.performing import DEADLINE_S, PROVIDER, not_shown
from conformance.providers.scenarios import provider_scenarios
from conformance.run.decisions import Decision, ScenarioResult, Situation
from conformance.run.processes import Kind, Processes
from conformance.run.suite import RUNTIME, SCENARIO_DEADLINE_S, perform
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Subject, load_subject
from harness.errors import ConformanceError, UsageError

_SCENARIOS: Final[Mapping[str, Scenario]] = {one.id: one for one in scenarios()}
#: The test of what a scenario shows to be broken beside the clauses that it is for.
_BESIDE: Final = "test_clauses_beside"
#: The only parts that are to be overridden: by what a suite is told what to test.
_OPEN: Final = frozenset({"subject", "recordings"})


class ConformanceWarning(UserWarning):
    """A clause of level SHOULD is broken, or could not be decided."""


@dataclass(frozen=True)
class Case:
    """One test: a clause, or None for all that a scenario is not for, and a scenario, or None where there is none."""

    clause: str | None
    scenario: str | None

    def __str__(self) -> str:
        return f"{self.clause or 'beside'}-{self.scenario or 'no scenario'}"


class _Performed:
    """What became of the scenarios that one class has put its subject into."""

    def __init__(self) -> None:
        self._results: dict[str, ScenarioResult] = {}
        self._processes: Processes | None = None

    def result(self, subject: Subject | str, scenario: Scenario) -> ScenarioResult:
        if isinstance(subject, str):
            return self.result_of(subject, scenario.id, RUNTIME, SCENARIO_DEADLINE_S)
        if scenario.id not in self._results:
            self._results[scenario.id] = perform(subject, scenario)
        return self._results[scenario.id]

    def result_of(self, name: str, scenario: str, kind: Kind, deadline_s: float) -> ScenarioResult:
        """Return what became of a scenario in a process of its own kind."""
        if scenario not in self._results:
            if self._processes is None:
                self._processes = Processes(name, deadline_s, kind)
            self._results[scenario] = self._processes.perform(scenario)
        return self._results[scenario]

    def close(self) -> None:
        if self._processes is not None:
            self._processes.close()


class _Conformance:
    """One test method for each clause, run for each scenario that decides it."""

    #: Test method → the cases that it is run for.
    _cases: ClassVar[Mapping[str, tuple[Case, ...]]] = {}
    #: What may not be overridden, by name.
    _standard: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, scenarios: Sequence[Situation] | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if scenarios is not None:
            cls._declare(scenarios)
        for standard_class in cls.__mro__[1:]:
            standard = vars(standard_class).get("_standard", {})
            for name, part in standard.items():
                _refuse_override(cls, name, part)

    @classmethod
    def _declare(cls, chosen: Sequence[Situation]) -> None:
        cases: dict[str, tuple[Case, ...]] = {}
        for clause in CLAUSES:
            decided = tuple(Case(clause, one.id) for one in chosen if clause in one.clauses)
            # What no scenario decides must show, and not be missing, where a whole runtime is tested.
            if decided or len(chosen) == len(_SCENARIOS):
                cases[f"test_{clause.replace('.', '_')}"] = decided or (Case(clause, None),)
        cases[_BESIDE] = tuple(Case(None, one.id) for one in chosen)
        for name in cases:
            setattr(cls, name, _test(name))
        cls._cases = cases
        fixed = {
            name: part
            for part_of in reversed(cls.__mro__)
            if issubclass(part_of, _Conformance)
            for name, part in vars(part_of).items()
            if callable(part) and not _is_dunder(name)
        }
        cls._standard = {name: part for name, part in fixed.items() if name not in _OPEN}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        name = metafunc.function.__name__
        found = [vars(one).get("_cases", {}).get(name, ()) for one in type(self).__mro__]
        if any(found):
            metafunc.parametrize("decisions", tuple(dict.fromkeys(chain(*found))), indirect=True, ids=str)


class _RuntimeSuite(_Conformance):
    """Scenarios that a runtime is put into."""

    @pytest.fixture
    def subject(self) -> Subject | str:
        """The runtime under test, as an instance or by its name; the one thing to override."""
        raise UsageError(
            f"{type(self).__name__} does not say what it tests; override the fixture `subject` and return a subject, or "
            "its name as module:attribute"
        )

    @pytest.fixture
    def decisions(self, request: pytest.FixtureRequest, subject: Subject | str) -> tuple[Decision, ...]:
        """What the scenario of this test says about its clause, or about all that the scenario is not for."""
        case: Case = request.param
        _skip_inapplicable(case, load_subject(subject) if isinstance(subject, str) else subject)
        if case.scenario is None:
            assert case.clause is not None
            return (Decision(case.clause, "not-testable"),)
        scenario = _SCENARIOS[case.scenario]
        result = _performed(request).result(subject, scenario)
        if result.fault is not None:
            raise ConformanceError(f"the suite itself failed in {scenario.id}; report it:\n{result.fault}")
        if case.clause is None:
            return tuple(one for one in result.decisions if one.clause not in scenario.clauses)
        found = tuple(one for one in result.decisions if one.clause == case.clause)
        return found or (Decision(case.clause, "not-testable"),)


_PERFORMED: Final = pytest.StashKey[_Performed]()


def _performed(request: pytest.FixtureRequest) -> _Performed:
    """Return what the class of a test has performed, kept until its last test is done."""
    suite: pytest.Class = request.node.getparent(pytest.Class)
    if _PERFORMED not in suite.stash:
        performed = suite.stash[_PERFORMED] = _Performed()
        suite.addfinalizer(performed.close)
    return suite.stash[_PERFORMED]


@cache
def _test(name: str) -> Callable[[Any, tuple[Decision, ...]], None]:
    def test(self: Any, decisions: tuple[Decision, ...]) -> None:
        broken = [one for one in decisions if one.status in ("failed", "not-testable")]
        musts = [_told(one) for one in broken if CLAUSES[one.clause].level == "MUST"]
        for one in broken:
            if CLAUSES[one.clause].level == "SHOULD":
                warnings.warn(ConformanceWarning(_told(one)), stacklevel=1)
        if musts:
            pytest.fail("\n".join(musts), pytrace=False)

    test.__name__ = name
    test.__qualname__ = f"{_Conformance.__name__}.{name}"
    return test


def _told(decision: Decision) -> str:
    """Return a broken clause for people: what it demands, and every place where it was broken."""
    clause = CLAUSES[decision.clause]
    lines = [f"{clause.id} ({clause.level}) {decision.status}: {clause.statement}"]
    lines.extend(f"  {f'#{one.seq}: ' if one.seq else ''}{one.message}" for one in decision.violations)
    return "\n".join(lines)


def _skip_inapplicable(case: Case, subject: Subject) -> None:
    scenario = None if case.scenario is None else _SCENARIOS[case.scenario]
    needs = CLAUSES[case.clause].capabilities if case.clause else frozenset()
    if scenario is not None:
        needs |= scenario.needs
    if not needs <= subject.capabilities:
        undeclared = ", ".join(sorted(needs - subject.capabilities))
        pytest.skip(f"not applicable: the subject does not declare {undeclared}")
    if scenario is not None and not scenario.fits(subject):
        pytest.skip(f"not applicable: the subject does not speak to {scenario.provider} in its own format")


def _refuse_override(cls: type, name: str, part: Any) -> None:
    found = inspect.getattr_static(cls, name)
    if found is part:
        return
    marks = [mark for mark in getattr(found, "pytestmark", ()) if mark.name == "xfail" and mark.kwargs.get("reason")]
    if name.startswith("test_") and callable(found) and marks:
        if "decisions" in inspect.signature(found).parameters:
            return
        raise UsageError(
            f"{cls.__name__}.{name} must take `decisions` as the standard check does, and give it to super()"
        )
    raise UsageError(
        f"{cls.__name__} overrides {name}, which is part of the standard suite; only `subject`, or `recordings`, is to be "
        "overridden. A check that is known to fail is overridden with @pytest.mark.xfail(reason=…), and calls super()"
    )


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


class RuntimeConformance(_RuntimeSuite, scenarios=tuple(_SCENARIOS.values())):
    """All that the contract says of a runtime."""


def _of(capability: str, *others: str) -> list[Scenario]:
    return [one for one in _SCENARIOS.values() if capability in one.needs and one.needs.isdisjoint(others)]


class FlowConformance(_RuntimeSuite, scenarios=_of("flow", "turn", "crew")):
    """What flows can show, those that ask a human and those that are restored among them."""


class TurnConformance(_RuntimeSuite, scenarios=_of("turn")):
    """What turns of conversations can show."""


class CrewConformance(_RuntimeSuite, scenarios=_of("crew")):
    """What crews can show, streamed on their own and in flows."""


class LLMConformance(_Conformance, scenarios=provider_scenarios()):
    """What the contract says of an LLM, put to an integration of a provider by recordings of its calls.

    Override the fixture `recordings`. Each situation, with every recording that fits it, is performed in a process of
    its own kind, with a deadline, as `harness conformance --provider` does it.
    """

    @pytest.fixture
    def recordings(self) -> Path | str:
        """The recordings of the integration under test: their folder, one of them, or a provider's name."""
        raise UsageError(
            f"{type(self).__name__} does not say what it tests; override the fixture `recordings` and return a folder of "
            "recordings, as harness record makes them"
        )

    @pytest.fixture
    def decisions(self, request: pytest.FixtureRequest, recordings: Path | str) -> tuple[Decision, ...]:
        """What the situation of this test says about its clause, or about all that the situation is not for."""
        case: Case = request.param
        able = _recorded(str(recordings)).capabilities
        needs = CLAUSES[case.clause].capabilities if case.clause else frozenset[str]()
        if not needs <= able:
            pytest.skip(f"not applicable: no recording holds any {', '.join(sorted(needs - able))}")

        def decided_in(scenario: str) -> tuple[Decision, ...]:
            result = _performed(request).result_of(str(recordings), scenario, PROVIDER, DEADLINE_S)
            if result.fault is not None:
                raise ConformanceError(f"the suite itself failed in {scenario}; report it:\n{result.fault}")
            return result.decisions

        assert case.scenario is not None
        if case.clause is None:
            own = next(one.clauses for one in provider_scenarios() if one.id == case.scenario)
            return tuple(one for one in decided_in(case.scenario) if one.clause not in own)
        found = tuple(one for one in decided_in(case.scenario) if one.clause == case.clause)
        if found:
            return found
        for other in (one.id for one in provider_scenarios() if case.clause in one.clauses):
            if any(one.clause == case.clause for one in decided_in(other)):
                pytest.skip(f"no recording shows it in {case.scenario}; in {other} one does")
        return (not_shown(case.clause),)


@cache
def _recorded(name: str) -> RecordedProvider:
    return load_provider(name)
