"""Where in the code of the person who records or replays an error arose: what is theirs, and no library's."""

from __future__ import annotations

import site
import sysconfig
import traceback
from functools import cache
from pathlib import Path

import harness


def line_in_user_code(error: BaseException) -> str | None:
    """Return the innermost line of the user's own that `error` came through, as in `my_app/flows.py:12 in plan`.

    None where it came through none. Paths are as seen from the current folder.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and not any(path.is_relative_to(folder) for folder in _foreign_folders()):
            seen = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            return f"{seen}:{frame.lineno} in {frame.name}"
    return None


@cache
def _foreign_folders() -> tuple[Path, ...]:
    ours = Path(harness.__file__).parent
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return (ours, ours.parent / "conformance", *map(Path, sorted(libraries | set(site.getsitepackages()))))
