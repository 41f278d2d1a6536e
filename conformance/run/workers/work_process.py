"""A process of its own that does pieces of work, one by one, for a process that must not be disturbed.

A worker of a scheduler has threads and connections of its own: what a replay blocks, and what the suite copies, must not be
those. It is started as a program, since such workers may have no children of Python's own kind.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, Generic, TypeVar, cast

from conformance.run.workers.child import serve, started

S = TypeVar("S")
R = TypeVar("R")

#: How long the process may take to end when it is told to, in seconds.
_GRACE_S: Final = 5.0


class LostWorkError(Exception):
    """The process has ended in the middle of a piece of work."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"the process ended with exit code {exit_code}")
        self.exit_code = exit_code


class WorkProcess(Generic[S, R]):
    """One process; it is started with the first piece of work, and again after it has died."""

    def __init__(self, work: Callable[[S], R], folder: Path) -> None:
        """`work` and what goes in and out of it must be picklable by their names; `folder` is where it is done."""
        self._work = work
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._at_work = False

    def make(self, subject: S) -> R:
        """Return what `work` makes of a subject, or raise what it raises. Raises LostWorkError: it has ended."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        self._at_work = True
        try:
            _send(process.stdin, subject)
            made, error = _receive(process.stdout)
        except (EOFError, OSError):
            self._process = None
            raise LostWorkError(_ended(process)) from None
        finally:
            self._at_work = False
        if error is not None:
            raise error
        return cast(R, made)

    def close(self) -> None:
        """End the process, from any thread; one that is at work is killed, which is told where the work was asked for."""
        process = self._process
        if process is None:
            return
        if self._at_work:
            # Who waits for its answer holds its streams, and closes them.
            process.kill()
        else:
            self._process = None
            _ended(process)

    def _start(self) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join(entry or str(self._folder) for entry in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance.run.workers.work_process"],
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        _send(process.stdin, (dict(os.environ), self._work))
        return process


def _ended(process: subprocess.Popen[bytes]) -> int:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        return process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _send(stream: IO[bytes], value: object) -> None:
    stream.write(pickle.dumps(value))
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    """Return what was sent. Raises EOFError where the other side has ended, be it in the middle of sending."""
    try:
        # From a process of ours, to which it was sent by the same way.
        return pickle.load(stream)  # noqa: S301
    except pickle.UnpicklingError as error:
        raise EOFError from error


def main() -> None:
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a run prints is not for whoever waits for answers.
    os.dup2(2, 1)
    # Whoever watches interrupts the first process, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    before, work = _receive(requests)
    started(before)
    serve(partial(_receive, requests), partial(_send, answers), work)
    close = getattr(work, "close", None)
    if close is not None:
        close()


if __name__ == "__main__":
    main()
