"""Every scenario has a process of its own, in which a subject may leave, hang, exit or break whatever it likes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from conformance.run.workers.processes import _PRELOADED, LostError, Processes
from harness.errors import ConformanceError

#: What a scenario leaves behind in its process.
LEFT: list[str] = []


@dataclass(frozen=True)
class Threads:
    """A subject whose imports start threads."""

    idle_threads: frozenset[str] = frozenset()


def load(*names: str) -> Threads:
    """Load a subject that starts threads of these names, of which those in brackets are idle."""
    for name in names:
        threading.Thread(target=threading.Event().wait, name=name, daemon=True).start()
    return Threads(frozenset(name for name in names if name.startswith("[")))


def load_in_vain() -> Threads:
    raise ConformanceError("the address is in use")


def perform(subject: Threads, name: str) -> str:
    """Do what the scenario is called, and return what was seen."""
    match name:
        case "leaves":
            LEFT.append(name)
        case "looks":
            return f"left: {LEFT}"
        case "imports":
            seen = str("this" in sys.modules)
            import this  # noqa: F401 - any module that nothing else imports

            return seen
        case "imported":
            return str("this" in sys.modules)
        case "threads":
            return ", ".join(thread.name for thread in threading.enumerate()[1:])
        case "misses":
            return ", ".join(module for module in _PRELOADED if module not in sys.modules)
        case "environment":
            return repr((os.environ.get("ADDRESS"), "HOME" in os.environ))
        case "exits":
            os._exit(3)
        case "raises exit":
            raise SystemExit(4)
        case "hangs":
            threading.Event().wait()
        case "tells and hangs":
            Path(os.environ["TOLD"]).open("wb").close()
            threading.Event().wait()
    return ""


def prepare(subject: Threads, name: str) -> bool:
    """Leave behind what is called before the process is copied."""
    LEFT.append(f"prepared for {name}")
    return True


def prepare_slowly(subject: Threads, name: str) -> bool:
    """Take as long for the second scenario as imports may, where a machine has much else to do."""
    return name == "leaves" or threading.Event().wait(1.0)


@pytest.fixture
def processes() -> Iterator[Processes]:
    with closing(Processes(load, perform)) as plain:
        yield plain


def test_a_scenario_does_not_see_what_another_left_behind(processes: Processes) -> None:
    results = [processes.perform(name, 30.0) for name in ("leaves", "looks", "leaves", "looks")]
    assert set(results) == {"", "left: []"}


def test_what_a_scenario_imported_is_there_for_the_next(processes: Processes) -> None:
    assert processes.perform("imports", 30.0) == "False"
    assert processes.perform("imported", 30.0) == str(sys.platform == "linux")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_what_takes_longest_is_there_before_the_first_scenario(processes: Processes) -> None:
    assert processes.perform("misses", 30.0) == ""


def test_a_process_has_the_environment_of_whoever_starts_it(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where there is a server of processes it has started by now, and has the environment of then.
    processes.perform("looks", 30.0)
    monkeypatch.setenv("ADDRESS", "http://127.0.0.1:1")
    monkeypatch.delenv("HOME", raising=False)
    with closing(Processes(load, perform)) as another:
        assert another.perform("environment", 30.0) == "('http://127.0.0.1:1', False)"


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_what_is_prepared_is_there_for_every_copy() -> None:
    with closing(Processes(load, perform, prepare)) as processes:
        assert processes.perform("looks", 30.0) == "left: ['prepared for looks']"
        assert processes.perform("looks", 30.0) == "left: ['prepared for looks', 'prepared for looks']"


def test_what_is_imported_for_a_scenario_takes_none_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.run.workers.processes._GRACE_S", 0.0)
    with closing(Processes(load, perform, prepare_slowly)) as processes:
        assert processes.perform("leaves", 30.0) == ""
        assert processes.perform("looks", 0.5) == "left: []"


@pytest.mark.parametrize(("name", "says"), [("exits", "exit code 3"), ("raises exit", "exit code 4")])
def test_a_subject_that_ends_its_process_has_failed(processes: Processes, name: str, says: str) -> None:
    with pytest.raises(LostError, match=says):
        processes.perform(name, 30.0)
    assert processes.perform("looks", 30.0) == "left: []"


def test_a_subject_that_can_not_be_loaded_again_says_why() -> None:
    why = r"^in a process of its own, the address is in use$"
    with closing(Processes(load_in_vain, perform)) as processes, pytest.raises(LostError, match=why):
        processes.perform("looks", 30.0)


def test_a_subject_that_hangs_has_failed_at_the_deadline(processes: Processes) -> None:
    with pytest.raises(LostError, match=r"^the subject did not come back within 0\.2 s$"):
        processes.perform("hangs", 0.2)


@pytest.mark.parametrize("names", [("bus",), ("bus", "[idle]")])
def test_a_subject_whose_imports_start_threads_has_them_in_every_scenario(names: tuple[str, ...]) -> None:
    with closing(Processes(partial(load, *names), perform)) as processes:
        for _ in range(2):
            assert processes.perform("leaves", 30.0) == ""
            assert processes.perform("looks", 30.0) == "left: []"
            assert processes.perform("threads", 30.0) == ", ".join(names)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_threads_that_are_called_idle_do_not_keep_a_process_from_being_copied() -> None:
    with closing(Processes(partial(load, "[idle]"), perform)) as processes:
        assert processes.perform("threads", 30.0) == ""


def test_several_threads_may_ask_at_once(processes: Processes) -> None:
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: processes.perform("looks", 30.0), range(9)))
    assert set(results) == {"left: []"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_closing_waits_for_nothing_that_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    monkeypatch.setenv("TOLD", str(told))
    processes = Processes(load, perform)
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(processes.perform, "tells and hangs", 600.0)
        told.read_bytes()
        processes.close()
        with pytest.raises(LostError, match="ended its process"):
            left.result(60)
