"""Ctrl-C, which a terminal sends to every process at once, is for the first: no other one tells of it, even as it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: What every process but the first imports, in the middle of which Ctrl-C is pressed.
_PRESSED = """
import os, signal

if os.environ["FIRST"] != str(os.getpid()):
    os.kill(os.getpid(), signal.SIGINT)

def double(number):
    return 2 * number
"""
#: Programs that print 42, which another process has made.
_PROGRAMS = {
    "a server of processes": """
from functools import partial
from conformance.run.workers import processes
from tests.conformance.run.test_processes import load, perform

processes._PRELOADED = ("pressed",)
workers = processes.Processes(partial(load), perform)
print(workers.perform("looks", 30.0).replace("left: []", "42"))
workers.close()
""",
    "a new process": """
import threading
from conformance.run.workers.replay_processes import side_by_side
from pressed import double

stop = threading.Event()
beside = threading.Thread(target=stop.wait)
beside.start()
print(*side_by_side(double, [21], ["a"], 1, lambda number, code: code))
stop.set()
""",
}


@pytest.mark.skipif(sys.platform == "win32", reason="a console of Windows has no signals")
@pytest.mark.parametrize("program", _PROGRAMS.values(), ids=list(_PROGRAMS))
def test_a_process_that_is_interrupted_while_it_starts_says_nothing(program: str, tmp_path: Path) -> None:
    (tmp_path / "pressed.py").write_text(_PRESSED)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    first = f"import os\nos.environ['FIRST'] = str(os.getpid())\n{program}"
    said = subprocess.run(
        [sys.executable, "-c", first],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "42\n", "")
