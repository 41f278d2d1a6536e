"""Frames: from an event to one immutable record of a session's timeline."""

from __future__ import annotations

from harness.frames.frame import StreamFrame

__all__ = ["StreamFrame"]
