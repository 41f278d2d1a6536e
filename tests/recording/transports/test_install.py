"""Which libraries are patched: those that are installed, whenever that is."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.recording import transports


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder in which a library, and what patches it, may come to be."""
    monkeypatch.setattr(transports, "_PATCHED_BY", {"late_library": "late_patcher"})
    monkeypatch.setattr(transports, "_installed", set())
    monkeypatch.setattr(transports, "_missing", {})
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("late_library", "late_patcher"):
        sys.modules.pop(name, None)


def test_what_is_not_installed_is_searched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def search(name: str) -> ModuleSpec | None:
        searched.append(name)
        return find_spec(name)

    monkeypatch.setattr(importlib.util, "find_spec", search)
    transports.install()
    transports.install()
    assert searched == ["late_library"]


def test_what_is_installed_later_is_patched_once(place: Path) -> None:
    transports.install()
    (place / "late_library.py").write_text("")
    (place / "late_patcher.py").write_text(
        "patched = []\n\ndef install(library):\n    patched.append(library.__name__)\n"
    )
    # Files that are made in one tick of the clock change a folder's time once.
    os.utime(place, (2_000_000_000, 2_000_000_000))
    transports.install()
    transports.install()
    assert import_module("late_patcher").patched == ["late_library"]
