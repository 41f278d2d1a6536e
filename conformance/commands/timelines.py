"""The timelines beside the page of a replay: one file for each result that fell short, for the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from conformance.run.replay import ReplayResult
from harness.errors import UnreadableRecordingError
from harness.recording import write_atomically
from harness.viewer import render_replayed

#: Beside the page.
_FOLDER: Final = "timelines"


def write(results: Sequence[ReplayResult], document: dict[str, Any], folder: Path) -> None:
    """Write the timelines of what fell short into `folder`, and their places, relative to it, into `document`.

    A recording that can't be read any more has none.

    Raises:
        RecordingError: one can't be written.
    """
    for number, (result, told) in enumerate(zip(results, document["results"], strict=True), start=1):
        if not result.frame_lines:
            continue
        violations = [(one["clause"], one["seq"], one["message"]) for one in result.violations]
        try:
            page = render_replayed(Path(result.path), result.interaction, result.frame_lines, violations)
        except UnreadableRecordingError:
            continue
        write_atomically(folder / _FOLDER / f"{number}.html", page.encode())
        told["timeline"] = f"{_FOLDER}/{number}.html"
