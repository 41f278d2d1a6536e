"""Frames: from an event to one immutable record of a session's timeline."""

from __future__ import annotations

from harness.frames.frame import StreamFrame
from harness.frames.stored import FrameLike

__all__ = ["FrameLike", "StreamFrame"]
