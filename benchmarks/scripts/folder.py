"""Opening and closing every cassette of a folder, with nothing played.

Usage: folder.py harness|vcrpy|cassetter FOLDER; prints seconds. Files that are no YAML cassettes are left out, the same
ones for everybody. A cassette that can't be opened ends the script: a player that reads less is not faster.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any


def main(player: str, folder: Path) -> float:
    paths = [path for path in sorted(folder.rglob("*.yaml")) if b"interactions:" in path.read_bytes()]
    if not paths:
        sys.exit(f"'{folder}' has no cassettes")
    opened = _opener(player)
    # Once without the clock: what is imported and patched with the first cassette is no part of opening one.
    with opened(paths[0]):
        pass
    began = time.perf_counter()
    for path in paths:
        with opened(path):
            pass
    return time.perf_counter() - began


def _opener(player: str) -> Callable[[Path], AbstractContextManager[Any]]:
    if player == "harness":
        from harness.recording.tape.tape import open_tape

        return lambda path: open_tape(path, "none")
    if player == "vcrpy":
        import vcr  # type: ignore[import-untyped]

        return lambda path: vcr.use_cassette(str(path), record_mode="none")
    import cassetter  # type: ignore[import-not-found]

    return lambda path: cassetter.use_cassette(path, record_mode="none")


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2])))
