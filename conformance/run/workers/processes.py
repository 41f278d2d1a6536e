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
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final, TypeAlias

from conformance.run.workers.certificates import late_certificates
from conformance.run.workers.child import Environment, can_be_copied, end, interruptible, started, starting
from conformance.run.workers.warmth import NOTHING, make, ready
from harness.errors import ConformanceError

#: How long a subject, and what a scenario takes beside it, may take to be loaded, in seconds.
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
    "conformance.run.workers.template",
)

#: By name: Windows has no `ForkServerContext`.
ProcessContext: TypeAlias = "multiprocessing.context.SpawnContext | multiprocessing.context.ForkServerContext"
#: Puts a subject, which was loaded before, into the scenario of that name; what it returns goes from process to process.
PerformNamed = Callable[[Any, str], Any]


class LostError(ConformanceError):
    """A scenario gave no result: its process was late, or has ended."""


#: What performing gave, or the error that stands for it, and whether the worker performs another.
_Reply: TypeAlias = tuple[Any, bool]


class Processes:
    """Workers for one subject; one that hangs or dies is replaced.

    `load` gives the subject, and is a function of a module, or a partial of one, as `perform` is, so that a process finds
    them by name. `prepare`, another such function, is called before `perform` in the process that is copied, and has what
    takes long to import there. A subject may have `idle_threads`: names of threads that its imports start and no run of
    it needs.
    """

    def __init__(self, load: Callable[[], Any], perform: PerformNamed, prepare: PerformNamed | None = None) -> None:
        self._work = (load, perform, prepare)
        self._context = _clean_context()
        self._idle: list[_Worker] = []
        self._at_work: set[_Worker] = set()
        self._closings = 0

    def perform(self, name: str, deadline_s: float) -> Any:
        """Return what a scenario gives, in a process of its own; from any thread. Raises LostError: nothing in time."""
        closings = self._closings
        worker = self._idle_worker() or _Worker(self._context, self._work)
        self._at_work.add(worker)
        if self._closings != closings:
            # All were closed while it started.
            worker.stop()
        value, again = worker.perform(name, deadline_s)
        self._at_work.discard(worker)
        if again and self._closings == closings:
            self._idle.append(worker)
        else:
            worker.end()
        if isinstance(value, LostError):
            raise value
        return value

    def close(self) -> None:
        """End all workers; what is performed after that has new ones.

        Of one that is at work, whoever waits for it is told that its process has ended.
        """
        self._closings += 1
        while (worker := self._idle_worker()) is not None:
            worker.end()
        for worker in tuple(self._at_work):
            worker.stop()

    def _idle_worker(self) -> _Worker | None:
        # Another thread may take the last one between a look and this.
        with suppress(IndexError):
            return self._idle.pop()
        return None


def _clean_context() -> ProcessContext:
    """Return what makes processes that inherit no threads, locks and loops of whoever runs the suite."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    # From a server that has imported the suite and done nothing else, a process costs milliseconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context


class _Worker:
    def __init__(self, context: ProcessContext, work: Any) -> None:
        self._connection, theirs = context.Pipe()
        # Not a daemon, since those may have no processes of their own: so it is ended here, whatever happens.
        with starting() as environment:
            self._process = context.Process(target=_work, args=(theirs, environment, *work))
            self._process.start()
        theirs.close()
        atexit.register(self.end)

    def perform(self, name: str, deadline_s: float) -> _Reply:
        try:
            self._connection.send((name, deadline_s))
            reply = late = _late(deadline_s), False
            # First it tells that it is ready, by when it may have loaded the subject and imported what this scenario takes.
            for within_s in (_LOADING_S, deadline_s + _GRACE_S):
                if not self._connection.poll(within_s):
                    return late
                reply = self._connection.recv()
        except (EOFError, ConnectionError):
            self.end()
            return _died(self._process.exitcode), False
        return reply

    def stop(self) -> None:
        """Have its process end, from any thread."""
        self._process.terminate()

    def end(self) -> None:
        atexit.unregister(self.end)
        end(self._process, _GRACE_S)
        self._connection.close()


def _late(deadline_s: float) -> LostError:
    return LostError(f"the subject did not come back within {deadline_s} s")


def _died(code: int | None) -> LostError:
    return LostError(f"the subject ended its process (exit code {code})")


def _work(
    connection: Connection,
    environment: Environment,
    load: Callable[[], Any],
    perform: PerformNamed,
    prepare: PerformNamed | None,
) -> None:
    started(environment)
    # What a subject prints is for its own users; results go through the connection.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    interruptible()
    # An end by exit takes along the process of a scenario that is being performed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with late_certificates():
        try:
            template = _CopiedProcess(load(), perform, prepare)
        except ConformanceError as error:
            connection.recv()
            connection.send(None)
            connection.send((LostError(f"in a process of its own, {error}"), False))
            return
        while True:
            try:
                name, deadline_s = connection.recv()
            except EOFError:
                return
            template.prepare(name)
            connection.send(None)
            connection.send(template.perform(name, deadline_s))


class _CopiedProcess:
    """The process that has loaded a subject, of which each scenario gets a copy."""

    def __init__(self, subject: Any, perform: PerformNamed, prepare: PerformNamed | None) -> None:
        self._subject = subject
        self._perform = perform
        self._prepare = prepare
        gc.collect()
        self._made()

    def _made(self) -> None:
        # A collection in a copy neither walks what was there before it nor makes it a copy of every page of that.
        gc.freeze()
        self._ready = ready()

    def prepare(self, name: str) -> None:
        if self._prepare is not None and self._prepare(self._subject, name):
            self._made()

    def perform(self, name: str, deadline_s: float) -> _Reply:
        if not can_be_copied(getattr(self._subject, "idle_threads", frozenset())):
            return self._perform(self._subject, name), False
        return self._in_a_copy(name, deadline_s), True

    def _in_a_copy(self, name: str, deadline_s: float) -> Any:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        copy = multiprocessing.get_context("fork").Process(target=self._send, args=(theirs, name), daemon=True)
        copy.start()
        theirs.close()
        try:
            if not ours.poll(deadline_s):
                return _late(deadline_s)
            value, made = ours.recv()
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
            self._made()
        return value

    def _send(self, connection: Connection, name: str) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        value = self._perform(self._subject, name)
        connection.send((value, self._ready.made_since()))
