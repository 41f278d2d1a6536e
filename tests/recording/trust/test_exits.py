"""A target that would end the process is an error: neither a green run nor the end of the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.recording import Target, record
from harness.recording.trust.exits import exits_noted

#: A module that leaves at a place of its own: while it is imported, before its session is there, in its run, in a thread.
TARGETS = """
import os
import sys
import threading
from harness import Flow, start

def leave(where):
    if os.environ.get("LEAVES") and where == "PLACE":
        WAY

leave("import")

class Leaving(Flow):
    @start()
    def begin(self):
        leave("run")
        beside = threading.Thread(target=leave, args=("thread",))
        beside.start()
        beside.join()
        return "done"

def leaving():
    leave("session")
    return Leaving().stream_events()
"""
WAYS = {
    "exit": "os._exit(0)",
    "posix": "__import__('posix')._exit(0)",
    "exec": "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "sys_exit": "sys.exit(0)",
}
#: In a thread, `sys.exit` ends that thread alone.
LEAVING = [
    (way, place) for way in WAYS for place in ("import", "session", "run", "thread")
    if (way, place) != ("sys_exit", "thread")
]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What one process says of recordings whose targets leave, and of one whose target stays, by name."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for way, place in [*LEAVING, ("stays", "never")]:
            code = TARGETS.replace("PLACE", place).replace("WAY", WAYS.get(way, "pass"))
            (folder / f"leaving_by_{way}_{place}.py").write_text(code)
            record(Target(f"leaving_by_{way}_{place}:leaving"), folder / "recordings" / f"{way}_{place}")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "replay", "recordings", "--json", "report.json"],
        cwd=folder, env={**os.environ, "LEAVES": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text())
    return {Path(result["path"]).name: result for result in report["results"]}


@pytest.mark.parametrize(("way", "place"), LEAVING)
def test_a_target_that_exits_is_an_error(way: str, place: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[f"{way}_{place}"]
    assert result["status"] == "error"
    told = "can't be imported" if place == "import" else "would have ended the process"
    assert told in result["message"]


def test_the_others_are_judged(results: dict[str, dict[str, Any]]) -> None:
    assert results["stays_never"]["status"] == "passed"


def test_other_processes_and_later_times_leave_as_they_like() -> None:
    code = (
        "import os\nfrom harness.recording.trust.exits import exits_noted\n"
        "with exits_noted() as noted:\n"
        "  child = os.fork()\n"
        "  if child == 0: os._exit(7)\n"
        "  assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
        "os._exit(9 if noted == [] else 1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 9


def test_each_attempt_is_told_to_every_block_that_is_open() -> None:
    with exits_noted() as outer, exits_noted() as inner, pytest.raises(SystemExit, match="3"):
        os._exit(3)
    assert outer == inner == ["os._exit(3)"]
