"""What to do about a recording that does not fit, in the words of the command that met it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from harness.errors import RecordingError
from harness.recording.files.folder import load_recording

_option: Final[ContextVar[str]] = ContextVar("harness_mode_option", default="--mode")


@contextmanager
def mode_option(name: str) -> Iterator[None]:
    """Have messages of this context call the option that chooses the mode by this name."""
    token = _option.set(name)
    try:
        yield
    finally:
        _option.reset(token)


def record_command(folder: Path) -> str:
    """Return the command that makes a recording again, but for the mode at its end."""
    try:
        target = load_recording(folder).target
    except RecordingError:
        target = "TARGET"
    return f"{shlex.join(['harness', 'record', target, '-o', str(folder)])} --mode"


def with_mode(mode: str) -> str:
    """Return the option that asks for `mode`, as in `--mode new`."""
    return f"{_option.get()} {mode}"
