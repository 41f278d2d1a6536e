"""What a new process of ours starts with, which is its parent's environment and import path, and how it serves that.

Python puts the current folder first while a process starts; a folder in it that is called like one of our packages, or
like one of Python's, would take its place.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from harness.import_path import move_current_folder_last

#: Variables that Python reads when it starts.
_READ_AT_START: Final = ("PYTHONPATH", "PYTHONSAFEPATH")
_STARTING: Final = threading.Lock()

Environment = Mapping[str, str]


@contextmanager
def starting() -> Iterator[Environment]:
    """Start processes in this block, by whatever method; give each what the block gives, for `started`."""
    with _STARTING:
        before = dict(os.environ)
        here = str(Path.cwd())
        os.environ["PYTHONPATH"] = os.pathsep.join(entry or here for entry in sys.path)
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            # Python's own process, which the first of these starts, has the same environment.
            with _uninterrupted():
                yield before
        finally:
            for name in _READ_AT_START:
                if name in before:
                    os.environ[name] = before[name]
                else:
                    del os.environ[name]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Have processes that are started in this block wait with Ctrl-C, which a terminal sends to all at once.

    What is in the middle of its imports would tell of it by a traceback.
    """
    if sys.platform == "win32":
        yield
        return
    # The first to need it starts it, and lets SIGINT through then, whatever was there before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interruptible() -> None:
    """Called in the new process once it knows what to do at Ctrl-C."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def started(environment: Environment) -> None:
    """Called first in the new process: give it its parent's environment, and put the current folder last.

    What a server of processes copies has the environment of when that server was started.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    move_current_folder_last()


def serve(receive: Callable[[], Any], send: Callable[[Any], object], work: Callable[[Any], Any]) -> None:
    """Do pieces of work until `receive` raises EOFError, or nobody is there; send what each gives, or what it raises."""
    # Whoever watches interrupts the first process, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruptible()
    with suppress(EOFError, ConnectionError):
        while True:
            subject = receive()
            reply: tuple[Any, Exception | None]
            try:
                reply = work(subject), None
            except Exception as error:
                reply = None, error
            send(reply)


def can_be_copied(idle: Container[str] = ()) -> bool:
    """Whether a copy of this process has all that it needs: no thread beside it but `idle` ones; never on macOS."""
    beside = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    return sys.platform == "linux" and all(name in idle for name in beside)


def end(process: BaseProcess, grace_s: float) -> None:
    """End a process in whatever state it is: it has so many seconds to do so by itself once it is told to."""
    process.terminate()
    process.join(grace_s)
    process.kill()
    process.join()
