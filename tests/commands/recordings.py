"""What commands are given: what to record, the files of a recording, one of its frames changed."""

from __future__ import annotations

from pathlib import Path

#: The module of what is recorded.
SUBJECTS = "tests.recording.support.subjects"
FILES = ("recording.json", "frames.jsonl", "cassette.yaml")


def edit_frame(copy: Path) -> None:
    path = copy / "frames.jsonl"
    path.write_text(path.read_text().replace('"chunk":" harbour"', '"chunk":" haven"', 1))
