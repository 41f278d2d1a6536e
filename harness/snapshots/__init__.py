"""Timelines as syrupy snapshots: one frames file for each, compared as scope trees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension

from harness.errors import UsageError
from harness.recording.comparison.compare import compare_lines
from harness.recording.files.frames_file import dump_frames, read_lines
from harness.recording.redact.redaction import Redactor
from harness.recording.words.counts import counted

__all__ = ["FramesExtension"]


class FramesExtension(SingleFileSnapshotExtension):
    """Keeps a timeline as the `frames.jsonl` of a recording keeps it: ids and times normalised, links kept, redacted.

    Two timelines match where their scope trees are equal, whatever ran side by side in whichever order.
    """

    file_extension = "frames.jsonl"

    def serialize(self, data: Any, *, exclude: Any = None, include: Any = None, matcher: Any = None) -> bytes:
        """Return the frames file of a session, or of any frames.

        Raises:
            UsageError: there are no frames, or some are to be left out.
        """
        if exclude is not None or include is not None:
            raise UsageError("a timeline is kept whole; `include` and `exclude` can't be used with it")
        frames = list(getattr(data, "frames", data))
        if not frames:
            raise UsageError("the timeline has no frames, so there is nothing to compare; read the session first")
        return dump_frames(frames, Redactor())

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        """Whether the scope trees of two frames files are equal."""
        return not compare_lines(_lines(snapshot_data), _lines(serialized_data))

    def diff_lines(self, serialized_data: Any, snapshot_data: Any) -> Iterator[str]:
        """Yield what differs, aligned by scope, in the order of the snapshot."""
        if not snapshot_data:
            yield f"{counted(len(_lines(serialized_data)), 'frame')} came; keep them with --snapshot-update"
        elif serialized_data:
            yield from map(str, compare_lines(_lines(snapshot_data), _lines(serialized_data)))

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> bytes | None:
        """Return the contents of a snapshot, or None where there is none.

        Raises:
            UnreadableRecordingError: it is no whole frames file of a known format.
        """
        path = Path(snapshot_location)
        if not path.exists():
            return None
        read_lines(path)
        return path.read_bytes()


def _lines(content: bytes) -> list[bytes]:
    """Return the frame lines of a frames file."""
    return content.splitlines()[1:]
