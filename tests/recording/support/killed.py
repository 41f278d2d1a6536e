"""Kills a process at so many steps of its work on a recording, and looks at what is left: `killed WORK TARGET KILLS DIR`.

A step is a line of the project's code that has to do with the recording's files. Each process is a copy of this one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from harness.recording import Target, load_frames, record, replay_recording
from tests.recording.support.recorded import SUBJECTS

PARTS = ("files/workplace.py", "files/atomic.py", "files/exchange.py", "record.py", "recorder.py", "tape/tape.py")
WATCHED = tuple(f"harness/recording/{part}" for part in PARTS)


def recorded(target: str, out: Path, name: str) -> None:
    assert record(Target(f"{SUBJECTS}:{target}", inputs={"name": name}), out, mode="all").written


def updated(out: Path) -> None:
    assert replay_recording(out, update=True).updated


def checked(out: Path, *, differs: bool) -> None:
    replayed = replay_recording(out)
    assert not replayed.problems
    assert bool(replayed.differences) is differs


def exit_code_of(work: Callable[[], object]) -> int:
    """Do work in a copy of this process; return its exit code, negative where a signal ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def steps_of(work: Callable[[], None], at_step: int | None = None) -> int:
    """Do work, and return of how many steps it was; at one of them, the process is killed."""
    steps = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            steps += 1
            if steps == at_step:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return steps


def texts(folder: Path) -> list[Any]:
    return [frame.data for frame in load_frames(folder / "frames.jsonl")]


def main(work: str, target: str, kills: int, root: Path) -> dict[str, Any]:
    """Return how many recordings were left as they were and as they were to become, and what was found wrong."""
    old, new, out = root / "old", root / "new", root / "work" / "out"
    # Done here once, so that no copy has to import what it takes.
    recorded(target, old, "Ada")
    recorded(target, new, "Bob" if work == "record" else "Ada")
    checked(old, differs=False)
    # A copy has none of this process's threads: those that a run had are ending.
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(10)
    assert threading.enumerate() == [threading.current_thread()]
    if work == "update":
        frames = old / "frames.jsonl"
        frames.write_text(frames.read_text().replace("Hello Ada", "Hello Eve"))
    do = partial(recorded, target, out, "Bob") if work == "record" else partial(updated, out)

    def begin() -> None:
        shutil.rmtree(out.parent, ignore_errors=True)
        shutil.copytree(old, out)

    begin()
    steps = steps_of(do)
    left, bad = {"old": 0, "new": 0}, []
    for number in range(kills):
        begin()
        at_step = 1 + number * (steps - 1) // (kills - 1)
        code = exit_code_of(partial(steps_of, do, at_step))
        is_new = texts(out) == texts(new)
        is_old = texts(out) == texts(old)
        left["new" if is_new else "old"] += 1
        # What is left is whole, and the next command works.
        whole = exit_code_of(partial(checked, out, differs=work == "update" and is_old)) == 0
        again = (work == "update" and is_new) or exit_code_of(do) == 0
        foreign = [path.name for path in out.parent.iterdir() if path != out and not path.name.startswith("out.")]
        if code != -signal.SIGKILL or is_new == is_old or not whole or not again or foreign:
            bad.append([at_step, code, is_old, is_new, whole, again, foreign])
    return {"steps": steps, "killed": kills, "left": left, "bad": bad}


if __name__ == "__main__":
    json.dump(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])), sys.stdout)
