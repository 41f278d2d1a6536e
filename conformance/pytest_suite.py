"""The suite as pytest classes: subclass one, override its `subject` or `recordings`, and every clause is a test.

A subject by its name is put into each scenario in a process of its own kind, with a deadline, as the command line does
it; an instance is put there in the process of the tests, which it can take along. A scenario is performed once for a
class and, under pytest-xdist, once for each worker that gets one of its tests.

A broken MUST fails its test and a broken SHOULD warns; what should have been decided and was not counts as broken. What
the subject does not declare is skipped, and a failure of the suite itself is an error of the test's setup.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from msgspec import Struct

from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.providers.integration import load_integration
from conformance.run.judge import Decision
from conformance.run.outcome import Tested
from conformance.run.result import unshown
from conformance.run.suite import TestedSubject
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Subject, load_subject
from harness.annotations import signature_of
from harness.errors import UsageError

#: The test of what a scenario shows to be broken beside the clauses that it is for.
_BESIDE: Final = "test_clauses_beside"
#: What stands in the ids of clauses, and not in names.
_IN_NAMES: Final = str.maketrans(".-", "__")
#: The only parts that are to be overridden: by what a suite is told what to test.
_OPEN: Final = frozenset({"subject", "recordings"})


class ConformanceWarning(UserWarning):
    """A clause of level SHOULD is broken, or could not be decided."""


class ClauseCase(Struct, frozen=True):
    """One test: a clause, or None for all that a scenario is not for, and a scenario, or None where there is none."""

    clause: str | None
    scenario: str | None

    def __str__(self) -> str:
        return f"{self.clause or 'beside'}-{self.scenario or 'no scenario'}"

    @property
    def shared_work(self) -> str | None:
        """The scenario, which is performed once for all its tests; `pytest --shard` keeps those together."""
        return self.scenario


class _Conformance:
    """One test method for each clause, run for each scenario that decides it."""

    #: Test method → the cases that it is run for.
    _cases: ClassVar[Mapping[str, tuple[ClauseCase, ...]]] = {}
    #: What may not be overridden, by name.
    _standard: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(
        cls, scenarios: Iterable[Scenario] | None = None, *, whole: bool = False, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if scenarios is not None:
            cls._declare(tuple(scenarios), whole=whole)
        for standard_class in cls.__mro__[1:]:
            standard = vars(standard_class).get("_standard", {})
            for name, part in standard.items():
                _refuse_override(cls, name, part)

    @classmethod
    def _declare(cls, chosen: tuple[Scenario, ...], *, whole: bool) -> None:
        cases: dict[str, tuple[ClauseCase, ...]] = {}
        for clause in CLAUSES:
            decided = tuple(ClauseCase(clause, scenario.id) for scenario in chosen if clause in scenario.clauses)
            # What no scenario decides must show, and not be missing, where a whole runtime is tested.
            if decided or whole:
                # A name that a class can override.
                cases[f"test_{clause.translate(_IN_NAMES)}"] = decided or (ClauseCase(clause, None),)
        cases[_BESIDE] = tuple(ClauseCase(None, scenario.id) for scenario in chosen)
        for name in cases:
            setattr(cls, name, _test(name))
        cls._cases = cases
        fixed = {
            name: part
            for part_of in reversed(cls.__mro__)
            if issubclass(part_of, _Conformance)
            for name, part in vars(part_of).items()
            if callable(part) and not (name.startswith("__") and name.endswith("__"))
        }
        cls._standard = {name: part for name, part in fixed.items() if name not in _OPEN}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        name = metafunc.function.__name__
        found = [vars(owner).get("_cases", {}).get(name, ()) for owner in type(self).__mro__]
        if any(found):
            metafunc.parametrize("decisions", tuple(dict.fromkeys(chain(*found))), indirect=True, ids=str)

    @pytest.fixture
    def decisions(self, request: pytest.FixtureRequest, subjected: TestedSubject) -> tuple[Decision, ...]:
        """What the scenario of this test says about its clause, or about all that the scenario is not for."""
        case: ClauseCase = request.param
        scenario = None if case.scenario is None else scenarios()[case.scenario]
        _skip_inapplicable(case.clause, scenario, subjected.declared)
        if scenario is None:
            assert case.clause is not None
            return (Decision(case.clause, "not-testable"),)
        performed = _performed(request, subjected)
        result = performed.result(scenario)
        if case.clause is None:
            return tuple(decision for decision in result.decisions if decision.clause not in scenario.clauses)
        found = tuple(decision for decision in result.decisions if decision.clause == case.clause)
        if found:
            return found
        missing = unshown(scenario, case.clause)
        for other in () if missing is None else _deciding(type(self), case.clause):
            if any(decision.clause == case.clause for decision in performed.result(other).decisions):
                pytest.skip(f"no recording shows it in {scenario.id}; in {other.id} one does")
        return (missing or Decision(case.clause, "not-testable"),)


_PERFORMED: Final = pytest.StashKey[TestedSubject]()


def _performed(request: pytest.FixtureRequest, subjected: TestedSubject) -> TestedSubject:
    """Return what the class of a test has performed."""
    suite: pytest.Class = request.node.getparent(pytest.Class)
    performed = suite.stash.setdefault(_PERFORMED, subjected)
    # Other tests may come between those of a class, which is torn down before them.
    suite.addfinalizer(performed.close)
    return performed


def _deciding(suite: type, clause: str) -> list[Scenario]:
    ids = [
        case.scenario
        for owner in suite.__mro__
        for cases in vars(owner).get("_cases", {}).values()
        for case in cases
        if case.clause == clause
    ]
    return [scenarios()[name] for name in dict.fromkeys(ids) if name is not None]


@cache
def _test(name: str) -> Callable[[Any, tuple[Decision, ...]], None]:
    def test(self: Any, decisions: tuple[Decision, ...]) -> None:
        broken = [decision for decision in decisions if decision.status in ("failed", "not-testable")]
        musts = [_described(decision) for decision in broken if CLAUSES[decision.clause].level == "MUST"]
        for decision in broken:
            if CLAUSES[decision.clause].level == "SHOULD":
                warnings.warn(ConformanceWarning(_described(decision)), stacklevel=1)
        if musts:
            pytest.fail("\n".join(musts), pytrace=False)

    test.__name__ = name
    test.__qualname__ = f"{_Conformance.__name__}.{name}"
    return test


def _described(decision: Decision) -> str:
    """Return a broken clause for people: what it demands, and every place where it was broken."""
    clause = CLAUSES[decision.clause]
    lines = [f"{clause.id} ({clause.level}) {decision.status}: {clause.statement}"]
    lines.extend(f"  {f'#{found.seq}: ' if found.seq else ''}{found.message}" for found in decision.violations)
    return "\n".join(lines)


def _skip_inapplicable(clause: str | None, scenario: Scenario | None, subject: Tested) -> None:
    needs = CLAUSES[clause].capabilities if clause else frozenset()
    if scenario is not None:
        needs |= scenario.needs
    undeclared = ", ".join(sorted(needs - subject.capabilities))
    if undeclared and getattr(subject, "tests", "runtime") == "integration":
        pytest.skip(f"not applicable: no recording holds any {undeclared}")
    if undeclared:
        pytest.skip(f"not applicable: the subject does not declare {undeclared}")
    if scenario is not None and not scenario.fits(subject):
        pytest.skip(f"not applicable: the subject does not speak to {scenario.provider} in its own format")


def _refuse_override(cls: type, name: str, part: Any) -> None:
    found = inspect.getattr_static(cls, name)
    if found is part:
        return
    marks = [mark for mark in getattr(found, "pytestmark", ()) if mark.name == "xfail" and mark.kwargs.get("reason")]
    if name.startswith("test_") and callable(found) and marks:
        if "decisions" in signature_of(found).parameters:
            return
        raise UsageError(
            f"{cls.__name__}.{name} must take `decisions` as the standard check does, and give it to super()"
        )
    raise UsageError(
        f"{cls.__name__} overrides {name}, which is part of the standard suite; only `subject`, or `recordings`, is to be "
        "overridden. A check that is known to fail is overridden with @pytest.mark.xfail(reason=…), and calls super()"
    )


class _RuntimeSuite(_Conformance):
    @pytest.fixture
    def subject(self) -> Subject | str:
        """The runtime under test, as an instance or by its name; the one thing to override."""
        raise UsageError(
            f"{type(self).__name__} does not say what it tests; override the fixture `subject` and return a subject, or "
            "its name as module:attribute"
        )

    @pytest.fixture
    def subjected(self, subject: Subject | str) -> TestedSubject:
        if isinstance(subject, str):
            return TestedSubject(load_subject(subject), partial(load_subject, subject))
        return TestedSubject(subject)


def _testing(kind: str) -> list[Scenario]:
    return [scenario for scenario in scenarios().values() if scenario.tests == kind]


def _of(capability: str, *excluded: str) -> list[Scenario]:
    runtime = _testing("runtime")
    return [scenario for scenario in runtime if capability in scenario.needs and scenario.needs.isdisjoint(excluded)]


class RuntimeConformance(_RuntimeSuite, scenarios=_testing("runtime"), whole=True):
    """All that the contract says of a runtime."""


class FlowConformance(_RuntimeSuite, scenarios=_of("flow", "turn", "crew")):
    """What flows can show, those that ask a human and those that are restored among them."""


class TurnConformance(_RuntimeSuite, scenarios=_of("turn")):
    """What turns of conversations can show."""


class CrewConformance(_RuntimeSuite, scenarios=_of("crew")):
    """What crews can show, streamed on their own and in flows."""


_load_once: Final = cache(load_integration)


class LLMConformance(_Conformance, scenarios=_testing("integration")):
    """What the contract says of an LLM, put to an integration of a provider by recordings of its calls."""

    @pytest.fixture
    def recordings(self) -> Path | str:
        """The recordings of the integration under test: their folder, one of them, or a provider's name."""
        raise UsageError(
            f"{type(self).__name__} does not say what it tests; override the fixture `recordings` and return a folder of "
            "recordings, as harness record makes them"
        )

    @pytest.fixture
    def subjected(self, recordings: Path | str) -> TestedSubject:
        return TestedSubject(_load_once(str(recordings)), partial(load_integration, str(recordings)))
