"""The only loop: every scenario, in a process where it can do no harm, with a deadline.

A subject that hangs, exits or kills its loop is judged like any other: the scenario failed.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Literal, Protocol

from conformance.clauses import CLAUSES
from conformance.judge import Status, judge
from conformance.provider import ScriptedProvider
from conformance.scenario import Scenario
from conformance.scenarios import scenarios
from conformance.stage import Stage, StageError
from conformance.subjects.subject import NotOfferedError, Performance, Subject, load_subject

#: How long one scenario may take; a sound runtime takes milliseconds.
SCENARIO_DEADLINE_S: Final = 30.0
Context = multiprocessing.context.SpawnContext | multiprocessing.context.ForkServerContext
#: What takes longest to import, for nearly every subject.
_PRELOADED: Final = ("conformance.running", "conformance.subjects.harness", "openai.resources.chat")


@dataclass(frozen=True)
class Found:
    """One violation, as plain data."""

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


Performer = Callable[[str], ScenarioResult]


@dataclass(frozen=True)
class Kind:
    """What processes are for: both are functions of a module, so that a process finds them by name."""

    #: Makes, from a subject's name, what performs one scenario of it by its id.
    performer: Callable[[str], Performer]
    scenarios: Callable[[], Sequence[Situation]]


def run(
    subject: str, chosen: Sequence[str] | None = None, *, workers: int = 1, deadline_s: float = SCENARIO_DEADLINE_S
) -> Iterator[ScenarioResult]:
    """Run scenarios, all or those named, against a subject; yield their results in the order of the scenarios."""
    loaded = load_subject(subject)
    names = [one.id for one in scenarios() if one.fits(loaded) and (chosen is None or one.id in chosen)]
    with ThreadPoolExecutor(workers) as pool:
        processes = _Processes(subject, deadline_s)
        try:
            yield from pool.map(processes.perform, names)
        finally:
            processes.close()


def perform(subject: Subject, scenario: Scenario) -> ScenarioResult:
    """Put `subject` into one scenario, here, and judge what it does."""
    stage = Stage()
    try:
        with ScriptedProvider(stage) as provider:
            try:
                evidence = scenario.observe(subject, Performance(stage, provider))
            except StageError as error:
                return _all_failed(scenario, str(error))
            finally:
                stage.release_all()
        verdict = judge(evidence, subject.capabilities)
    except NotOfferedError as error:
        return ScenarioResult(scenario.id, (Decision(error.clause, "failed", (Found(None, str(error)),)),))
    except Exception as error:
        if _is_ours(error):
            return ScenarioResult(scenario.id, (), fault=traceback.format_exc())
        return _all_failed(scenario, f"the subject raised {type(error).__name__}: {error}")
    decisions = []
    for row in verdict.clauses:
        mine = row.clause.id in scenario.clauses
        if row.status == "failed" or (row.status == "passed" and mine) or (mine and row.status == "not-testable"):
            found = tuple(Found(violation.seq, violation.message) for violation in row.violations)
            decisions.append(Decision(row.clause.id, row.status, found))
    return ScenarioResult(scenario.id, tuple(decisions))


def performer(subject_name: str) -> Performer:
    """Return what performs a scenario by its id on the runtime of that name."""
    subject = load_subject(subject_name)
    by_id = {one.id: one for one in scenarios()}
    return lambda name: perform(subject, by_id[name])


#: The suite of runtimes.
RUNTIME: Final = Kind(performer, scenarios)


def _is_ours(error: Exception) -> bool:
    """Whether an exception was raised by the suite itself, and not by the subject that it called."""
    if isinstance(error, AttributeError) and not type(error.obj).__module__.startswith("conformance."):
        return False  # asked in vain of a session, flow or LLM of the subject's
    entries = traceback.extract_tb(error.__traceback__)
    return bool(entries) and Path(entries[-1].filename).is_relative_to(Path(__file__).parent)


def _all_failed(scenario: Situation, why: str) -> ScenarioResult:
    failed: Literal["failed"] = "failed"
    ordered = [clause for clause in CLAUSES if clause in scenario.clauses]
    return ScenarioResult(scenario.id, tuple(Decision(clause, failed, (Found(None, why),)) for clause in ordered))


class _Processes:
    """Processes that perform scenarios one after the other; one that hangs or dies is replaced."""

    def __init__(self, subject: str, deadline_s: float, kind: Kind = RUNTIME) -> None:
        self._subject = subject
        self._kind = kind
        self._deadline_s = deadline_s
        self._context = _clean_context()
        self._idle: list[_Worker] = []
        self._by_id = {one.id: one for one in kind.scenarios()}

    def perform(self, name: str) -> ScenarioResult:
        """Perform one scenario in a process of its own kind. Called from several threads."""
        worker = self._idle.pop() if self._idle else _Worker(self._context, self._subject, self._kind)
        try:
            result = worker.perform(name, self._deadline_s)
        except TimeoutError:
            worker.kill()
            return _all_failed(self._by_id[name], f"the subject did not come back within {self._deadline_s} s")
        except (EOFError, ConnectionError) as error:
            code = worker.kill()
            return _all_failed(
                self._by_id[name], f"the subject ended its process (exit code {code}, {type(error).__name__})"
            )
        self._idle.append(worker)
        return result

    def close(self) -> None:
        """End all processes."""
        for worker in self._idle:
            worker.kill()


def _clean_context() -> Context:
    """Return what makes processes that inherit no threads, locks and loops of whoever runs the suite.

    Where there can be a server that has imported the suite and done nothing else, a process costs milliseconds.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context


class _Worker:
    def __init__(self, context: Context, subject: str, kind: Kind) -> None:
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, subject, kind), daemon=True)
        self._process.start()
        theirs.close()

    def perform(self, name: str, deadline_s: float) -> ScenarioResult:
        self._connection.send(name)
        if not self._connection.poll(deadline_s):
            raise TimeoutError
        result: ScenarioResult = self._connection.recv()
        return result

    def kill(self) -> int | None:
        self._process.kill()
        self._process.join()
        self._connection.close()
        return self._process.exitcode


def _work(connection: Connection, subject_name: str, kind: Kind) -> None:
    # What a subject prints is for its own users; results go through the connection.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    perform_one = kind.performer(subject_name)
    while True:
        try:
            name = connection.recv()
        except EOFError:
            return
        connection.send(perform_one(name))
