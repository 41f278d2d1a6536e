"""What a retained chunk frame weighs."""

from __future__ import annotations

from benchmarks.contest import Contest, Contestant, Ratio, Settings
from benchmarks.contests.frames import TEXT


def contest(settings: Settings) -> Contest:
    """Return the weight of one of `settings.chunks` frames that a session retains."""
    return Contest(
        "memory",
        "Memory of a retained chunk frame",
        "bytes",
        (Contestant("harness", "harness_memory.py", (str(settings.chunks), TEXT)),),
        (Ratio("harness", bound=("at most", 1024)),),
    )
