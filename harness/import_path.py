"""What can be imported: what is installed, and in which version; what stands in the current folder is found, and shadows nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

#: Where this package was imported from; from there it must be found in every process, wherever that runs.
_HOME: Final = str(Path(__file__).parents[1])


def add_current_folder() -> None:
    """Let what stands in the current folder be imported, where nothing else has its name; the rest stays as it is."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


def move_current_folder_last() -> None:
    """Move the current folder to the end of the path, in a process that is ours alone."""
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        # Nothing is imported from a folder that is gone.
        sys.path[:] = [entry for entry in sys.path if entry]
        return
    if here != _HOME:
        sys.path[:] = [*(entry for entry in sys.path if entry not in ("", here)), here]


def version_of(distribution: str) -> str:
    """Return the version of a distribution; `unknown` where it is not installed, as of this one in a mere checkout."""
    # Slow to load, and seldom needed.
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"
