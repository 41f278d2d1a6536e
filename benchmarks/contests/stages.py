"""What each stage on a chunk's way costs, alone."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Settings
from benchmarks.contests.frames import TEXT

#: The stage, as `scripts/stage.py` knows it, and what it is.
_STAGES: Final = {
    "construct": "event made by its class",
    "chunk": "event made by a call",
    "stamp": "emitted, no session open",
    "append": "kept in a timeline",
    "content": "frame read for its text",
    "fields": "frame read for its fields",
    "async_cursor": "frame read for its text, async",
    "async_delivery": "appended and handed to a waiting task",
}


def contest(settings: Settings) -> Contest:
    """Return the stages, each measured over `settings.chunks` chunks."""
    work = (str(settings.chunks), TEXT)
    return Contest(
        "stages",
        "Stages of one chunk",
        "µs",
        tuple(Contestant(title, "stage.py", (stage, *work)) for stage, title in _STAGES.items()),
    )
