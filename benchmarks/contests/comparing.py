"""Checking runs against their recordings."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

_RECORDINGS: Final = "50"
_FRAMES: Final = "1000"


def contest(settings: Settings) -> Contest:
    """Return the contest of checking 50 runs of 1,000 frames, none of which has changed."""
    del settings
    work = (_RECORDINGS, _FRAMES)
    return Contest(
        "comparing",
        "Comparing 50 recordings of 1,000 frames",
        "s",
        (
            Contestant("harness, frames to verdict", "comparing.py", ("frames", *work)),
            Contestant("harness, lines to verdict", "comparing.py", ("lines", *work)),
            Contestant("syrupy", "comparing.py", ("syrupy", *work)),
        ),
        (
            Ratio("syrupy", "harness, frames to verdict", ("at least", 10)),
            Ratio("syrupy", "harness, lines to verdict"),
        ),
    )
