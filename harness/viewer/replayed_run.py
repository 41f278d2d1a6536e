"""A run that has just been replayed, beside what was recorded: its frames are kept as lines, which any process can send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import UnreadableRecordingError
from harness.frames.frame import StreamFrame
from harness.frames.stored import FrameLike
from harness.recording import Redactor
from harness.recording.files.frames_file import dump_frames, frames_of
from harness.recording.timelines import timelines_of
from harness.viewer.page import BrokenClause, ViewedRun, render_beside, render_viewer, runs_of
from harness.viewer.wire import wire_of


def kept_lines(frames: Iterable[FrameLike], *, redact: bool = True) -> bytes:
    """Return the lines of a frames file, normalised and without credentials.

    Without `redact`, which takes nearly all of the time, credentials stay: for lines that are shown by a page alone, which
    takes them out, and never written as they are.
    """
    return dump_frames(frames, Redactor() if redact else None)


def kept_frames(lines: bytes, path: Path) -> list[StreamFrame]:
    """Return the frames of what `kept_lines` gave; `path` is what an error names.

    Raises:
        UnreadableRecordingError: one is no frame of this runtime's kind.
    """
    return frames_of(lines.splitlines()[1:], path)


def render_replayed(
    path: Path, interaction: int | None, lines: bytes, violations: Sequence[tuple[str, int | None, str]]
) -> str:
    """Return the viewer's page of a replayed run: beside its recording, or alone with its traffic for a plain cassette.

    Where what it is a run of is not here, or can't be read, it stands alone. `lines` are those of `kept_lines`;
    `violations` are clauses, the `seq` of the frame that shows each, and words.

    Raises:
        UnreadableRecordingError: the lines are no frames.
    """
    frames = kept_frames(lines, path)
    places: dict[int, list[int]] = {}
    for place, frame in enumerate(frames):
        places.setdefault(frame.seq, []).append(place)
    # Of several sessions, each of which counts from 1, a number alone names no frame.
    broken = [
        BrokenClause(clause, places[seq][0] if seq is not None and len(places.get(seq, ())) == 1 else None, message)
        for clause, seq, message in violations
    ]
    now = ViewedRun("as it was replayed", frames, (), broken)
    try:
        if interaction is not None:
            traffic = wire_of(path, interaction, frames)
            return render_viewer([replace(now, title=f"{path}, as it was replayed", answers=traffic)], path.name)
        recorded = runs_of(timelines_of(path))
    except UnreadableRecordingError:
        return render_viewer([replace(now, title=f"{path}, as it was replayed elsewhere")], path.name)
    return render_beside(recorded[0], now, path.name)
