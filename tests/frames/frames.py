"""Frames of events that no session has taken."""

from __future__ import annotations

from harness.events import BaseEvent
from harness.frames.frame import FrameRecord, StreamFrame, frame_of as frame_of_record
from harness.frames.payload import recorded


def frame_of(event: BaseEvent, seq: int = 1, parent_id: str | None = None) -> StreamFrame:
    """Return the frame of `event` at a place of its own."""
    return frame_of_record(FrameRecord(seq, parent_id, event._lazy_record or recorded(event)))
