"""AG-UI events as a timeline: the frames that they carry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from harness.frames.frame import StreamFrame
from harness.frames.stored import ENVELOPE, StoredFrames

_FIELDS: Final = frozenset({*ENVELOPE, "data"})


def agui_frames(events: Iterable[dict[str, Any]]) -> list[StreamFrame]:
    """Return the frames that `agui_events` was given, equal and in order, from the events that it made of them.

    Raises:
        ValueError: an event carries what looks like a frame and is none.
    """
    stored = StoredFrames()
    return [stored.frame(event["rawEvent"]) for event in events if is_frame(event.get("rawEvent"))]


def is_frame(value: Any) -> bool:
    """Whether a `rawEvent` is a frame, and not another runtime's event."""
    return isinstance(value, dict) and value.keys() == _FIELDS
