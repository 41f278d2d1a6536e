"""Where states are kept when nobody says where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

#: Names the folder for what runs keep; without it, it is one of the project's name in the user's folder for data.
STORAGE_DIR: Final = "HARNESS_STORAGE_DIR"


def default_path() -> str:
    """Return the file for states of flows: `flow_states.db` in the folder that HARNESS_STORAGE_DIR names.

    Without the variable that is `stream-harness/<name of the current folder>` where the system has its users keep data.
    """
    # Not many flows ask.
    import platformdirs

    named = os.environ.get(STORAGE_DIR)
    folder = Path(named) if named else Path(platformdirs.user_data_dir("stream-harness")) / Path.cwd().name
    return str(folder / "flow_states.db")
