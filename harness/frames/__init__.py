"""Frames: from an event to one immutable record of a session's timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.frames.frame import StreamFrame as StreamFrame
    from harness.frames.stored import FrameLike as FrameLike
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {"harness.frames.frame": "StreamFrame", "harness.frames.stored": "FrameLike"},
    )
