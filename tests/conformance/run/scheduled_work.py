"""Work for the workers of a scheduler, and what becomes of it where a process dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path


class Work:
    """Counts what it is given; at one subject its process ends, at another the worker beside it, the first time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, subject: str) -> str:
        if subject == "exits":
            os._exit(7)
        if subject == "kills its worker":
            try:
                (self.folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                return f"{subject}: done"
            os.kill(os.getppid(), signal.SIGKILL)
        return f"{subject}: done"


def lost(subject: str, exit_code: int | None) -> str:
    return f"{subject}: lost with {exit_code}"
