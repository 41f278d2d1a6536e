"""What is looked at of a recording that was made."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.recording.replayed import Replayed

#: The module of what is recorded.
SUBJECTS: Final = "tests.recording.support.subjects"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def assert_green(replayed: Replayed) -> None:
    assert ([str(one) for one in replayed.differences], replayed.problems) == ([], [])
    assert replayed.frames
