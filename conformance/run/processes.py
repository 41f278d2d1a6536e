"""Where scenarios are performed: each in a process of its own, in which it can do no harm, with a deadline.

A worker loads the subject once, and what scenarios had to import; every scenario is performed in a fresh copy of it. So
none sees what another left behind, and what one says does not depend on which others were run.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from conformance.run.certificates import late_certificates
from conformance.run.child_path import Environment, started, starting
from conformance.run.decisions import ScenarioResult, Situation, all_failed
from conformance.run.warmth import NOTHING, make, ready

#: How long a subject may take to be loaded, in seconds.
_LOADING_S: Final = 120.0
#: How much longer than its deadline a scenario may seem to take to whoever waits for its worker, in seconds.
_GRACE_S: Final = 10.0
#: What takes longest to import, for nearly every subject: it is imported once for all workers.
_PRELOADED: Final = (
    "conformance.run.suite",
    "conformance.subjects.harness",
    "harness.providers.openai.chat",
    "openai.resources.chat.completions.completions",
    "httpcore2",
)

Context = multiprocessing.context.SpawnContext | multiprocessing.context.ForkServerContext


@dataclass(frozen=True)
class Loaded:
    """A subject in the process that it was loaded in."""

    #: Performs one scenario by its id.
    perform: Callable[[str], ScenarioResult]
    #: Names of threads that its imports start and no run of it needs.
    idle_threads: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Kind:
    """What processes are for: both are functions of a module, so that a process finds them by name."""

    #: Loads a subject by its name.
    load: Callable[[str], Loaded]
    scenarios: Callable[[], Sequence[Situation]]


@dataclass(frozen=True)
class _Lost:
    """A scenario that gave no result, and why."""

    why: str


@dataclass(frozen=True)
class _Reply:
    outcome: ScenarioResult | _Lost
    #: Whether the worker performs another.
    again: bool


class Processes:
    """Workers for one subject; one that hangs or dies is replaced."""

    def __init__(self, subject: str, deadline_s: float, kind: Kind) -> None:
        self._subject = subject
        self._kind = kind
        self._deadline_s = deadline_s
        self._context = _clean_context()
        self._idle: list[_Worker] = []
        self._by_id = {one.id: one for one in kind.scenarios()}

    def perform(self, name: str) -> ScenarioResult:
        """Perform one scenario in a process of its own. Called from several threads."""
        worker = self._idle.pop() if self._idle else _Worker(self._context, self._subject, self._kind, self._deadline_s)
        reply = worker.perform(name)
        if reply.again:
            self._idle.append(worker)
        else:
            worker.end()
        outcome = reply.outcome
        return outcome if isinstance(outcome, ScenarioResult) else all_failed(self._by_id[name], outcome.why)

    def close(self) -> None:
        """End all processes."""
        for worker in self._idle:
            worker.end()


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
    def __init__(self, context: Context, subject: str, kind: Kind, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._connection, theirs = context.Pipe()
        # Not a daemon, since those may have no processes of their own: so it is ended here, whatever happens.
        with starting() as environment:
            self._process = context.Process(target=_work, args=(theirs, environment, subject, kind, deadline_s))
            self._process.start()
        theirs.close()
        atexit.register(self.end)
        self._is_loaded = False

    def perform(self, name: str) -> _Reply:
        deadline_s = self._deadline_s + (_GRACE_S if self._is_loaded else _LOADING_S)
        try:
            self._connection.send(name)
            if not self._connection.poll(deadline_s):
                return _Reply(_late(self._deadline_s), again=False)
            reply: _Reply = self._connection.recv()
        except (EOFError, ConnectionError):
            self.end()
            return _Reply(_died(self._process.exitcode), again=False)
        self._is_loaded = True
        return reply

    def end(self) -> None:
        atexit.unregister(self.end)
        self._process.terminate()
        self._process.join(_GRACE_S)
        self._process.kill()
        self._process.join()
        self._connection.close()


def _late(deadline_s: float) -> _Lost:
    return _Lost(f"the subject did not come back within {deadline_s} s")


def _died(code: int | None) -> _Lost:
    return _Lost(f"the subject ended its process (exit code {code})")


def _work(connection: Connection, environment: Environment, subject_name: str, kind: Kind, deadline_s: float) -> None:
    started(environment)
    # What a subject prints is for its own users; results go through the connection.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    # An end by exit takes along the process of a scenario that is being performed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with late_certificates():
        template = _Template(kind.load(subject_name))
        while True:
            try:
                name = connection.recv()
            except EOFError:
                return
            connection.send(template.perform(name, deadline_s))


class _Template:
    """The process that has loaded a subject, of which each scenario gets a copy."""

    def __init__(self, subject: Loaded) -> None:
        self._subject = subject
        gc.collect()
        gc.freeze()
        self._ready = ready()

    def perform(self, name: str, deadline_s: float) -> _Reply:
        if not self._can_be_copied:
            return _Reply(self._subject.perform(name), again=False)
        return _Reply(self._in_a_copy(name, deadline_s), again=True)

    @property
    def _can_be_copied(self) -> bool:
        """Whether a copy of this process has all that it has: threads are not copied, nor safe to copy beside on macOS."""
        beside = {thread.name for thread in threading.enumerate() if thread is not threading.main_thread()}
        return sys.platform == "linux" and beside <= self._subject.idle_threads

    def _in_a_copy(self, name: str, deadline_s: float) -> ScenarioResult | _Lost:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        copy = multiprocessing.get_context("fork").Process(target=self._send, args=(theirs, name), daemon=True)
        copy.start()
        theirs.close()
        try:
            if not ours.poll(deadline_s):
                return _late(deadline_s)
            result, made = ours.recv()
        except EOFError:
            copy.join(_GRACE_S)
            return _died(copy.exitcode)
        finally:
            copy.kill()
            copy.join()
            copy.close()
            ours.close()
        if made != NOTHING:
            make(made)
            self._ready = ready()
        performed: ScenarioResult = result
        return performed

    def _send(self, connection: Connection, name: str) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        result = self._subject.perform(name)
        connection.send((result, self._ready.made_since()))
