"""Where in the code of the person who records or replays something arose: what is theirs, and no library's."""

from __future__ import annotations

import os
import site
import sysconfig
import traceback
from functools import cache
from pathlib import Path
from typing import Final

#: Where this package is.
HARNESS: Final = str(Path(__file__).parents[2])


def line_in_user_code(error: BaseException) -> str | None:
    """Return the innermost line of the user's own that `error` came through, as in `my_app/flows.py:12 in plan`.

    None where it came through none. Paths are as seen from the current folder.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_file() and not is_foreign(frame.filename):
            return f"{path_from_here(frame.filename)}:{frame.lineno} in {frame.name}"
    return None


def is_foreign(path: str) -> bool:
    """Whether a file of code is ours, Python's, or an installed package's."""
    return path.startswith(("<frozen ", *_foreign_folders()))


def path_from_here(path: str) -> str:
    """Return `path` from where packages are, or from the current folder."""
    # No Path: what is compiled from a text has a name such as <string>.
    starts = (*_foreign_folders(), os.getcwd() + os.sep)  # noqa: PTH109
    return path.removeprefix(next((start for start in starts if path.startswith(start)), ""))


@cache
def _foreign_folders() -> tuple[str, ...]:
    """Return the folders, the deepest first, each with a separator at its end."""
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    # In a virtual environment Python's own modules are those of the Python below it.
    folders = {HARNESS, str(Path(HARNESS).with_name("conformance")), str(Path(os.__file__).parent), *libraries}
    return tuple(folder + os.sep for folder in sorted(folders | set(site.getsitepackages()), key=len, reverse=True))
