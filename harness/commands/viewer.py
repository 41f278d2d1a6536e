"""Writes what the viewer shows of a path, each timeline judged by the contract."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.commands import _refuse_another

if TYPE_CHECKING:
    from harness.recording.timelines import KeptTimeline
    from harness.viewer import Judge

#: What judges a timeline. The suite stands above the commands, and is named here as its own commands are.
_SUITE: Final = "conformance.run.kept"


def write_viewer(timelines: Sequence[KeptTimeline], title: str, html: Path) -> None:
    """Write the viewer's page of timelines, whole or not at all.

    Raises:
        RecordingError: the traffic of one can't be read, or the page can't be written.
    """
    from harness.recording import write_atomically
    from harness.viewer import render_viewer, runs_of

    write_atomically(html, render_viewer(runs_of(timelines, suite_judge()), title).encode())


def suite_judge() -> Judge:
    """Return what finds the clauses that frames break."""
    _refuse_another(_SUITE.partition(".")[0])
    judge: Judge = import_module(_SUITE).broken_clauses
    return judge
