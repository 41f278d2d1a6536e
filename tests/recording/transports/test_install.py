"""Which libraries are patched: those that are imported, before or after, before anybody has them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from unittest.mock import MagicMock

import pytest

from harness.recording import transports
from tests.recording.support.loopback import PATIENCE_S

#: A patcher that tells how often it has patched, and what is on the way while it does.
PATCHER = """
import late_library.part

def install(library):
    library.patched = getattr(library, "patched", 0) + 1
"""
#: Asks by a library that is imported when the network is blocked already, in a thread and a method of its own.
LATE_REQUEST = """
import sys, threading
from harness.recording import network_guard, transports
assert not {"httpx", "httpx2", "vcr", "openai", "requests", "urllib3", "aiohttp"} & set(sys.modules)

class Asking:
    def ask(self):
        try:
            import httpx
            httpx.get("http://127.0.0.1:9/late", trust_env=False)
        except BaseException as error:
            print(repr(error))

with network_guard() as guard:
    asking = threading.Thread(target=Asking().ask)
    asking.start()
    asking.join()
(blocked,) = guard.blocked
assert str(blocked).startswith("GET http://127.0.0.1:9/late was about to leave"), blocked
"""


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder with a library, and what patches it."""
    monkeypatch.setattr(transports, "_PATCHED_BY", {"late_library": "late_patcher"})
    monkeypatch.setattr(transports, "_patched", set())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    (tmp_path / "late_library").mkdir()
    (tmp_path / "late_library/__init__.py").write_text("")
    (tmp_path / "late_library/part.py").write_text("")
    (tmp_path / "late_patcher.py").write_text(PATCHER)
    yield tmp_path
    for name in ("late_library", "late_library.part", "late_patcher"):
        sys.modules.pop(name, None)


def test_what_is_imported_already_is_patched_once() -> None:
    library = import_module("late_library")
    with ThreadPoolExecutor() as pool:
        for installed in [pool.submit(transports.install) for _ in range(8)]:
            installed.result(PATIENCE_S)
    assert library.patched == 1


@pytest.mark.parametrize("name", ["late_library", "late_library.part"])
def test_what_is_imported_later_is_patched_before_anybody_has_it(name: str) -> None:
    transports.install()
    transports.install()
    import_module(name)
    assert sys.modules["late_library"].patched == 1
    assert "_PatchingLoader" not in repr(sys.modules["late_library"].__spec__)


@pytest.mark.parametrize(
    "stub", [ModuleType("late_library"), module_from_spec(ModuleSpec("late_library", None)), MagicMock(), None]
)
def test_what_stands_in_for_a_library_is_left_alone(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "late_library", stub)
    transports.install()
    assert "late_patcher" not in sys.modules


def test_nothing_is_imported_to_be_patched() -> None:
    transports.install()
    assert importlib.util.find_spec("late_library") is not None
    assert "late_library" not in sys.modules


def test_what_another_has_put_before_the_finder_finds_no_library() -> None:
    transports.install()
    sys.meta_path.insert(0, sys.meta_path[-1])
    transports.install()
    assert import_module("late_library").patched == 1


class AskingFinder:
    """Finds what the other finders find, as those that trace modules do."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        return next(filter(None, specs), None)


class OldFinder:
    """A finder of the kind before Python 3.4, which Python passes over, and which some packages still bring."""

    def find_module(self, name: str, path: Any = None) -> None:
        return None


@pytest.mark.filterwarnings("ignore::ImportWarning")
@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("finder", [AskingFinder(), OldFinder()])
def test_beside_finders_of_others_a_library_is_found_or_not_as_before(
    finder: Any, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(transports._PATCHED_BY, "absent_library", "late_patcher")
    transports.install()
    sys.meta_path.insert(position, finder)
    with pytest.raises(ModuleNotFoundError):
        import_module("absent_library")
    assert import_module("late_library").patched == 1


class OldLoader:
    """Loads by itself, as loaders did before Python 3.4."""

    def load_module(self, name: str) -> ModuleType:
        return sys.modules.setdefault(name, ModuleType(name))


@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_what_a_loader_of_the_old_kind_loads_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PathFinder, "find_spec", lambda *asked: ModuleSpec(asked[0], cast(Any, OldLoader())))
    transports.install()
    assert import_module("late_library").__name__ == "late_library"


def test_what_is_imported_while_a_tape_opens_in_another_thread_is_patched(place: Path) -> None:
    (place / "late_library/__init__.py").write_text(
        "import late_gate\nlate_gate.entered.set()\nassert late_gate.leave.wait(60)\n"
    )
    (place / "late_gate.py").write_text("import threading\nentered, leave = threading.Event(), threading.Event()\n")
    gate = import_module("late_gate")
    with ThreadPoolExecutor() as pool:
        imported = pool.submit(import_module, "late_library")
        assert gate.entered.wait(PATIENCE_S)
        installing = threading.Thread(target=transports.install)
        installing.start()
        gate.leave.set()
        installing.join(PATIENCE_S)
        assert imported.result(PATIENCE_S).patched == 1
    assert not installing.is_alive()
    del sys.modules["late_gate"]


def test_a_request_by_a_library_imported_under_a_guard_is_stopped_before_its_socket() -> None:
    asked = subprocess.run([sys.executable, "-c", LATE_REQUEST], check=False, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
