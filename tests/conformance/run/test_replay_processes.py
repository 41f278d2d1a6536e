"""Replaying side by side gives what replaying one by one gives, and loads each SDK no more often than pays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from conformance.run.workers.replay_processes import _Plan, side_by_side
from harness.recording import sdk_of
from harness.shipped import shipped_folder


def pid_of(number: int) -> tuple[int, int]:
    if number == 13:
        os._exit(3)
    if number == 99:
        raise ValueError("99 is no number to work on")
    return number, os.getpid()


def lost(number: int, exit_code: int | None) -> tuple[int, int]:
    return number, -(exit_code or 0)


@contextmanager
def a_thread_beside() -> Iterator[None]:
    """With another thread there, a process is started anew and not copied."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.parametrize("beside", [nullcontext, a_thread_beside])
def test_results_come_in_order_and_what_a_dying_process_was_at_is_told(
    beside: Callable[[], AbstractContextManager[None]],
) -> None:
    numbers = [5, 13, 7, 8, 13, 1]
    with beside():
        results = list(side_by_side(pid_of, numbers, ["a", "b", "a", "b", "b", "a"], 2, lost))
    assert [number for number, _ in results] == numbers
    assert [pid for number, pid in results if number == 13] == [-3, -3]
    by_kind_a = {pid for number, pid in results if number in (5, 7, 1)}
    assert len(by_kind_a) == 1
    assert os.getpid() not in by_kind_a


def test_what_a_process_raises_is_raised_here_and_all_end() -> None:
    with pytest.raises(ValueError, match="99 is no number to work on"):
        list(side_by_side(pid_of, [1, 99, 2], ["a", "b", "a"], 2, lost))


#: Is killed once it has a result, while two processes wait for more or are at work.
_KILLED = """
import os, signal
from conformance.run.workers.replay_processes import side_by_side
from tests.conformance.run.test_replay_processes import lost, pid_of

for _ in side_by_side(pid_of, [1, 2, 3, 4], ["a", "b", "a", "b"], 2, lost):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_process_stays_behind_one_that_is_killed() -> None:
    # Its output ends once nobody has it open.
    killed = subprocess.run([sys.executable, "-c", _KILLED], capture_output=True, timeout=60, check=False)
    assert (killed.returncode, killed.stdout, killed.stderr) == (-signal.SIGKILL, b"", b"")


def places(plan: _Plan, *loaded: str) -> list[int | None]:
    """All that a process with these kinds loaded would be given."""
    given: list[int | None] = []
    while (place := plan.next(frozenset(loaded))) is not None:
        given.append(place)
    return given


def test_a_process_takes_another_kind_only_where_nobody_has_or_much_is_left() -> None:
    plan = _Plan(["a", "a", "b", "a", "a", "a"])
    assert plan.next(frozenset()) == 0
    assert plan.next(frozenset()) == 2
    # Nothing is known yet of how long those of the first kind take.
    assert plan.next(frozenset({"b"})) is None
    plan.took(0, 2.0, first=True)
    assert plan.next(frozenset({"a"})) == 1
    plan.took(1, 0.6, first=False)
    # Three are left, which take 1.8 s: less than loading.
    assert plan.next(frozenset({"b"})) is None
    assert places(plan, "a") == [3, 4, 5]


def test_much_that_is_left_of_a_kind_is_shared() -> None:
    plan = _Plan(["a"] * 6)
    assert plan.next(frozenset()) == 0
    plan.took(0, 2.0, first=True)
    assert plan.next(frozenset({"a"})) == 1
    plan.took(1, 0.6, first=False)
    assert places(plan, "b") == [2]


@pytest.mark.parametrize(
    ("name", "sdk"), [("openai/text", "openai"), ("bedrock/tool_call", "bedrock"), ("gemini/vertex", "gemini")]
)
def test_a_glance_tells_whose_sdk_is_loaded(name: str, sdk: str) -> None:
    folder = shipped_folder() / name
    assert sdk_of(folder) == sdk_of(folder / "cassette.yaml") == sdk


def test_a_glance_at_what_is_no_recording_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_bytes(b"\x00 uri: https://api.openai.com/v1/models")
    assert [sdk_of(tmp_path), sdk_of(tmp_path / "broken.yaml"), sdk_of(tmp_path / "none.yaml")] == ["", "", ""]
