"""Recording runs with their provider traffic, and replaying, comparing and reading what was recorded."""

from __future__ import annotations

from harness.recording.compare import Difference, compare_frames
from harness.recording.folder import Outcome, Recording, is_recording, load_recording
from harness.recording.frames_file import load_frames
from harness.recording.record import Recorded, record
from harness.recording.replay import Replayed, replay_cassette, replay_recording
from harness.recording.scan import Finding, scan
from harness.recording.tape import network_guard, open_tape
from harness.recording.target import Target

__all__ = [
    "Difference",
    "Finding",
    "Outcome",
    "Recorded",
    "Recording",
    "Replayed",
    "Target",
    "compare_frames",
    "is_recording",
    "load_frames",
    "load_recording",
    "network_guard",
    "open_tape",
    "record",
    "replay_cassette",
    "replay_recording",
    "scan",
]
