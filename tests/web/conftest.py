"""What the tests of the web share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web import targets


@pytest.fixture(autouse=True)
def _served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs that are held go on, but where a test holds them; what has paused is kept in a folder of the test's own."""
    monkeypatch.setenv("HARNESS_STORAGE_DIR", str(tmp_path / "kept"))
    targets.GATE.set()
    yield
    targets.GATE.set()
