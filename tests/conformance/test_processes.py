"""Every scenario has a process of its own, in which a subject may leave, hang, exit or break whatever it likes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from conformance.run.decisions import Decision, Found, ScenarioResult
from conformance.run.processes import Kind, Loaded, Processes

CLAUSE = "result.value"
#: What a scenario leaves behind in its process.
LEFT: list[str] = []


@dataclass(frozen=True)
class Situation:
    id: str
    clauses: frozenset[str] = frozenset({CLAUSE})


SITUATIONS = tuple(
    map(Situation, ("leaves", "looks", "imports", "imported", "threads", "exits", "raises exit", "hangs"))
)


def perform(name: str) -> ScenarioResult:
    """Do what the scenario is called, and tell what was seen in the message of a violation."""
    said = ""
    match name:
        case "leaves":
            LEFT.append(name)
        case "looks":
            said = f"left: {LEFT}"
        case "imports":
            said = str("this" in sys.modules)
            import this  # noqa: F401 - any module that nothing else imports
        case "imported":
            said = str("this" in sys.modules)
        case "threads":
            said = ", ".join(thread.name for thread in threading.enumerate()[1:])
        case "exits":
            os._exit(3)
        case "raises exit":
            raise SystemExit(4)
        case "hangs":
            threading.Event().wait()
    return ScenarioResult(name, (Decision(CLAUSE, "failed", (Found(None, said),)),))


def load(subject: str) -> Loaded:
    """Load a subject that starts threads by the names that it consists of, of which those in brackets are idle."""
    names = subject.split()
    for name in names:
        threading.Thread(target=threading.Event().wait, name=name, daemon=True).start()
    return Loaded(perform, frozenset(name for name in names if name.startswith("[")))


def situations() -> tuple[Situation, ...]:
    return SITUATIONS


KIND = Kind(load, situations)


@pytest.fixture
def processes() -> Iterator[Processes]:
    with_threads = Processes("", 30.0, KIND)
    yield with_threads
    with_threads.close()


def said(result: ScenarioResult) -> str:
    (decision,) = result.decisions
    return decision.violations[0].message


def test_a_scenario_does_not_see_what_another_left_behind(processes: Processes) -> None:
    results = [processes.perform(name) for name in ("leaves", "looks", "leaves", "looks")]
    assert {said(result) for result in results} == {"", "left: []"}


def test_what_a_scenario_imported_is_there_for_the_next(processes: Processes) -> None:
    assert said(processes.perform("imports")) == "False"
    assert said(processes.perform("imported")) == str(sys.platform == "linux")


@pytest.mark.parametrize(("name", "says"), [("exits", "exit code 3"), ("raises exit", "exit code 4")])
def test_a_subject_that_ends_its_process_has_failed(processes: Processes, name: str, says: str) -> None:
    result = processes.perform(name)
    assert says in said(result)
    assert [decision.clause for decision in result.decisions] == [CLAUSE]
    assert said(processes.perform("looks")) == "left: []"


def test_a_subject_that_hangs_has_failed_at_the_deadline() -> None:
    processes = Processes("", 0.2, KIND)
    try:
        assert said(processes.perform("hangs")) == "the subject did not come back within 0.2 s"
    finally:
        processes.close()


@pytest.mark.parametrize("subject", ["bus", "bus [idle]"])
def test_a_subject_whose_imports_start_threads_has_them_in_every_scenario(subject: str) -> None:
    processes = Processes(subject, 30.0, KIND)
    try:
        for _ in range(2):
            assert said(processes.perform("leaves")) == ""
            assert said(processes.perform("looks")) == "left: []"
            assert said(processes.perform("threads")) == ", ".join(subject.split())
    finally:
        processes.close()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_threads_that_are_called_idle_do_not_keep_a_process_from_being_copied() -> None:
    processes = Processes("[idle]", 30.0, KIND)
    try:
        assert said(processes.perform("threads")) == ""
    finally:
        processes.close()


def test_several_threads_may_ask_at_once(processes: Processes) -> None:
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(processes.perform, ["looks"] * 9))
    assert {said(result) for result in results} == {"left: []"}
