"""Where a system has not all that POSIX has, runs are recorded and replayed all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Python as it is on Windows, as far as names go: nothing that forks, no folder that is opened, no library of the process's own.
PROGRAM = """
import asyncio, ctypes, os, signal, socket, sys
import logging, multiprocessing.context, random, subprocess, threading, concurrent.futures.thread
from pathlib import Path

# httpcore imports it where it is installed, and its older versions ask for what POSIX has.
sys.modules["trio"] = None
really_opened = os.open

def opened(path, flags, *rest, **options):
    if isinstance(path, (str, os.PathLike)) and os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return really_opened(path, flags, *rest, **options)

os.open = opened
for module, names in {
    os: ("register_at_fork", "fork", "set_blocking", "O_DIRECTORY", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "O_TMPFILE",
         "getuid", "geteuid", "getppid", "killpg", "mkfifo", "uname", "fchmod", "chown"),
    socket: ("AF_UNIX", "AF_NETLINK", "SO_REUSEPORT"),
    signal: ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGALRM", "pthread_kill", "pthread_sigmask", "setitimer"),
    multiprocessing.context: ("ForkServerContext", "ForkContext"),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

class NoLibrary:
    def __init__(self, name, *rest, **options):
        raise TypeError("bad argument type for built-in operation")

ctypes.CDLL = NoLibrary
import conformance.run.replay
from harness.recording import Target, record, replay_recording
from harness.recording.files import exchange

# The name of the system, for this module alone: Python's own would import what Windows has.
exchange.os = type("Windows", (), {**vars(os), "name": "nt"})

out = Path(sys.argv[1])
for target, inputs in (("GreetingFlow", {"name": "Ada"}), ("greeting_crew", {"name": "Ada"})):
    for _ in range(2):
        assert record(Target("tests.recording.support.subjects:" + target, inputs=inputs), out / target, mode="all").written
    replayed = replay_recording(out / target)
    assert (replayed.differences, replayed.problems) == ([], []), replayed
(result,) = conformance.run.replay.replay(out / "GreetingFlow", trust=None)
print(sorted(path.name for path in out.iterdir()))
"""


def test_runs_are_recorded_and_replayed_without_what_posix_has(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "all")],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())}, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "['GreetingFlow', 'greeting_crew']\n"), done.stderr
