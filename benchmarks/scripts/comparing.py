"""Checking the frames of runs against what was recorded of them: nothing has changed, the usual case.

Usage: comparing.py frames|lines|syrupy RECORDINGS FRAMES; prints the seconds that checking takes. This project compares
the lines of each run's frames with those of the recording's file; `frames` makes each line and compares it, as a replay
does while the run goes on, `lines` has all of them, as when two files are compared. syrupy compares each run's frames, as plain
dicts that were made in advance, with one snapshot; what pytest itself costs is left out.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import pytest

from harness.bus.bus import emit
from harness.events import LLMStreamChunkEvent
from harness.frames.frame import StreamFrame
from harness.recording.comparison.compare import Difference, LineComparison, compare_lines
from harness.recording.files.frames_file import FrameLines, dump_frames, read_lines
from harness.session.session import StreamSession


def main(checker: str, recordings: int, frames: int) -> float:
    runs = [_run(number, frames) for number in range(recordings)]
    with tempfile.TemporaryDirectory() as folder:
        if checker == "syrupy":
            return _with_syrupy(runs, Path(folder))
        return _compare(runs, Path(folder), made=checker == "lines")


def _run(run: int, frames: int) -> list[StreamFrame]:
    def emit_all() -> None:
        for number in range(frames):
            emit(None, LLMStreamChunkEvent(call_id=f"call-{run}", model="model", chunk=f"a chunk of text {number} "))

    return list(StreamSession(emit_all))


def _compare(runs: list[list[StreamFrame]], folder: Path, *, made: bool) -> float:
    paths = [folder / f"{number}.jsonl" for number in range(len(runs))]
    for path, run in zip(paths, runs, strict=True):
        path.write_bytes(dump_frames(run))
    lines_of_runs = [read_lines(path) for path in paths] if made else []
    began = time.perf_counter()
    for number, path in enumerate(paths):
        recorded = read_lines(path)
        if compare_lines(recorded, lines_of_runs[number]) if made else _made_and_compared(recorded, runs[number]):
            sys.exit(f"{path} is not equal to what it was made of")
    return time.perf_counter() - began


def _made_and_compared(recorded: list[bytes], run: list[StreamFrame]) -> list[Difference]:
    lines, comparison = FrameLines(), LineComparison(recorded)
    for frame in run:
        comparison.add(lines.add(frame))
    comparison.add(lines.rest())
    return comparison.differences()


_TEST: Final = """
import time
import pytest

@pytest.mark.parametrize("number", range({recordings}))
def test_run(number, snapshot, runs, spent):
    began = time.perf_counter()
    assert runs[number] == snapshot
    spent.append(time.perf_counter() - began)
"""


class _Given:
    """Hands the runs to the tests, and takes what each check cost."""

    def __init__(self, runs: list[list[dict[str, Any]]]) -> None:
        self._runs = runs
        self.spent_s: list[float] = []

    @pytest.fixture(scope="session")
    def runs(self) -> list[list[dict[str, Any]]]:
        return self._runs

    @pytest.fixture(scope="session")
    def spent(self) -> list[float]:
        return self.spent_s


def _with_syrupy(runs: list[list[StreamFrame]], folder: Path) -> float:
    (folder / "test_runs.py").write_text(_TEST.format(recordings=len(runs)))
    dicts = [[frame.model_dump(mode="json") for frame in run] for run in runs]
    (folder / "pytest.ini").write_text("[pytest]\n")
    own = ["-q", "-s", "-p", "syrupy", "-p", "no:cacheprovider", "-c", str(folder / "pytest.ini"), str(folder)]
    # What other plugins do is no cost of syrupy's.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    given = _Given(dicts)
    for arguments in (["--snapshot-update", *own], own):
        given.spent_s.clear()
        if (code := pytest.main(arguments, plugins=[given])) != 0:
            sys.exit(f"pytest ended with {code}")
    return sum(given.spent_s)


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
