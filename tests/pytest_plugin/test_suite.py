"""Claims about the pytest classes of the suite, each seen in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conformance import CrewConformance, FlowConformance, LLMConformance, RuntimeConformance, TurnConformance
from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES
from harness.errors import UsageError
from harness.shipped import shipped_recording
from tests.pytest_plugin.conftest import ROOT, InnerRun

pytest_plugins = ["pytester"]

SOUND = """
import pytest
from conformance import RuntimeConformance
from conformance.subjects.harness import HarnessSubject

class TestIt(RuntimeConformance):
    @pytest.fixture
    def subject(self):
        return HarnessSubject()
"""
CREWLESS = SOUND.replace("conformance.subjects.harness", "tests.conformance.without_crews").replace(
    "HarnessSubject", "SoundSubject"
)
BROKEN = """
import pytest
from conformance import RuntimeConformance
from conformance.subjects.harness import HarnessSubject

class Broken(HarnessSubject):
    performed = 0
    def session(self, *arguments, **options):
        type(self).performed += 1
        raise RuntimeError("this runtime has no sessions")
    asession = llm = session

class TestIt(RuntimeConformance):
    @pytest.fixture
    def subject(self):
        return Broken()
"""


def _cases(suite: type) -> set[tuple[str | None, str | None]]:
    return {(case.clause, case.scenario) for cases in vars(suite)["_cases"].values() for case in cases}


def test_every_clause_and_scenario_is_one_test() -> None:
    tested = _tested("runtime")
    lonely = {(clause, None) for clause in CLAUSES if clause not in {name for name, _ in tested}}
    assert _cases(RuntimeConformance) == tested | lonely


def _tested(kind: str) -> set[tuple[str | None, str]]:
    chosen = [scenario for scenario in scenarios().values() if scenario.tests == kind]
    return {(clause, scenario.id) for scenario in chosen for clause in (*scenario.clauses, None)}


@pytest.mark.parametrize(
    ("suite", "shows", "leaves"),
    [
        (FlowConformance, {"flow/two-steps/sync", "pause/pending/sync", "restore/state/async"}, {"turn/deferred/sync"}),
        (TurnConformance, {"turn/deferred/sync", "entry/turn/sync"}, {"flow/two-steps/sync"}),
        (CrewConformance, {"crew/streamed/kickoff", "crew/in-flow/tool/sync"}, {"flow/two-steps/sync"}),
    ],
)
def test_a_suite_of_one_kind_of_run_has_its_scenarios_and_no_others(
    suite: type, shows: set[str], leaves: set[str]
) -> None:
    shown = {scenario for _, scenario in _cases(suite)}
    assert _cases(suite) < _cases(RuntimeConformance)
    assert shows <= shown
    assert not leaves & shown


def test_every_clause_that_recordings_show_is_a_test_of_its_own() -> None:
    assert _cases(LLMConformance) == _tested("integration")
    assert {clause for clause in CLAUSES if clause.startswith("llm.")} <= {
        clause for clause, _ in _cases(LLMConformance)
    }


def test_the_clauses_are_imported_without_pytest() -> None:
    code = "import sys, conformance, conformance.contract.clauses; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("address", [None, "tests.conformance.without_crews:SOUND"], ids=["an-instance", "by-its-name"])
def test_a_sound_runtime_passes_with_the_clause_in_the_test_id(inner: InnerRun, address: str | None) -> None:
    source = CREWLESS if address is None else SOUND.replace("HarnessSubject()", repr(address))
    result = inner("-k", "namespace and flow and sync or entry_crew", test_it=source)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 1
    assert outcomes["skipped"] > 1
    assert not {"failed", "errors"} & set(outcomes)
    result.stdout.fnmatch_lines_random(["PASSED *::test_namespace_*[[]namespace.*-*/*[]]", "*does not declare*crew*"])


def test_the_suite_is_spread_over_workers(inner: InnerRun) -> None:
    outcomes = inner("-k", "namespace", "-n", "2", plugins=("xdist.plugin",), test_it=SOUND).parseoutcomes()
    assert outcomes["passed"] > 1
    assert not {"failed", "errors"} & set(outcomes)


APART = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.insert(2, items.pop())
"""


def test_another_test_may_come_between_those_of_a_class(inner: InnerRun) -> None:
    source = SOUND.replace("RuntimeConformance", "CrewConformance").replace(
        "HarnessSubject()", "'conformance.subjects.harness:HarnessSubject'"
    )
    result = inner("-k", "llm_usage or other", conftest=APART, test_it=f"{source}\ndef test_other(): pass")
    result.assert_outcomes(passed=5)


def test_a_class_that_names_no_subject_is_told_so(inner: InnerRun) -> None:
    source = "from conformance import CrewConformance\nclass TestIt(CrewConformance): pass"
    result = inner("-k", "llm_usage", test_it=source)
    assert set(result.parseoutcomes()) <= {"errors", "deselected", "error"}
    result.stdout.fnmatch_lines(["*override the fixture `subject`*"])


def test_what_a_broken_runtime_does_fails_by_clause_and_each_scenario_is_performed_once(inner: InnerRun) -> None:
    counting = """
def test_zz_scenarios_and_performances():
    asked = {case.scenario for name, cases in vars(RuntimeConformance)["_cases"].items() if "usage" in name for case in cases}
    assert 0 < Broken.performed <= len(asked)
"""
    result = inner("-k", "usage or zz", test_it=BROKEN + counting)
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] > 0
    assert outcomes["passed"] >= 1
    result.stdout.fnmatch_lines(["*llm.usage (MUST) failed: *", "*this runtime has no sessions*"])
    result.stdout.fnmatch_lines_random(["PASSED *test_zz*"])


RECORDED = """
import pytest
from conformance import LLMConformance

class TestIt(LLMConformance):
    @pytest.fixture
    def recordings(self):
        return "azure"
"""


def test_an_integration_is_tested_by_its_recordings_with_clause_and_situation_in_the_test_id(inner: InnerRun) -> None:
    result = inner("-k", "truncation or no-stream", "-v", test_it=RECORDED)
    assert not {"failed", "errors"} & set(result.parseoutcomes())
    result.stdout.fnmatch_lines_random(
        [
            "*test_llm_truncation[[]llm.truncation-provider/cut/sync[]]*",
            "*test_llm_no_stream[[]*/not-streamed/async[]]*",
        ]
    )


def test_what_recordings_do_not_show_fails_or_is_skipped(inner: InnerRun) -> None:
    source = RECORDED.replace('"azure"', repr(str(shipped_recording("azure/text"))))
    outcomes = inner("-k", "no-stream or thinking", test_it=source)
    assert outcomes.parseoutcomes()["failed"] == 2
    outcomes.stdout.fnmatch_lines_random(["*record a call with stream=False*", "*no recording holds any thinking*"])


HUNG = """
import os
import pytest
from conformance import CrewConformance
from conformance.subjects.harness import HarnessSubject

class Exiting(HarnessSubject):
    def session(self, program, performance):
        os._exit(3)
    def llm(self, performance, **settings):
        os._exit(3)

class TestIt(CrewConformance):
    @pytest.fixture
    def subject(self):
        return "test_it:Exiting"
"""


def test_a_subject_by_its_name_may_end_its_process(
    inner: InnerRun, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{pytester.path}")
    result = inner("-k", "llm_usage", test_it=HUNG)
    assert result.parseoutcomes()["failed"] > 0
    result.stdout.fnmatch_lines(["*ended its process (exit code 3*"])


def test_every_check_has_a_name_that_a_class_can_override() -> None:
    names = [name for name in vars(RuntimeConformance) if name.startswith("test_")]
    assert [name for name in names if not name.isidentifier()] == []
    assert len(names) > len(CLAUSES)


def test_an_xfailed_check_is_expected_to_fail(inner: InnerRun) -> None:
    marked = """
    @pytest.mark.xfail(reason="it counts nothing yet")
    def test_llm_usage(self, decisions):
        super().test_llm_usage(decisions)
"""
    # The smallest class will do: thousands of tests take a second to collect.
    source = BROKEN.replace("RuntimeConformance", "CrewConformance")
    outcomes = inner("-k", "llm_usage", test_it=source + marked).parseoutcomes()
    assert outcomes["xfailed"] > 0
    assert "failed" not in outcomes


def _override(self: object, decisions: object) -> None: ...


def _without_decisions(self: object) -> None: ...


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("test_llm_usage", _override),
        ("test_llm_usage", None),
        ("test_llm_usage", pytest.mark.xfail(_without_decisions)),
        ("test_llm_usage", pytest.mark.xfail(reason="")(lambda self, decisions: None)),
        ("test_llm_usage", pytest.mark.xfail(reason="because")(lambda self: None)),
        ("test_clauses_beside", _override),
        ("decisions", pytest.fixture(lambda self: ())),
        ("pytest_generate_tests", None),
    ],
    ids=[
        "a-check",
        "taken-away",
        "xfail-without-reason",
        "xfail-with-an-empty-reason",
        "xfail-that-decides-nothing",
        "beside",
        "decisions",
        "generation",
    ],
)
@pytest.mark.parametrize("mixed_in", [False, True], ids=["in-the-class", "by-a-mixin"])
def test_an_override_is_refused(name: str, override: object, mixed_in: bool) -> None:
    with pytest.raises(UsageError, match=name):
        if mixed_in:
            type("TestIt", (type("Mixin", (), {name: override}), RuntimeConformance), {})
        else:
            type("TestIt", (RuntimeConformance,), {name: override})


def test_two_suites_of_one_subject_may_be_joined() -> None:
    class TestBoth(RuntimeConformance, FlowConformance): ...

    assert TestBoth.__mro__[1:3] == (RuntimeConformance, FlowConformance)


def test_suites_of_two_subjects_may_not_be_joined() -> None:
    with pytest.raises(UsageError, match="overrides subjected"):
        type("TestBoth", (LLMConformance, FlowConformance), {})
