"""When a client sees the first byte of an answer that is being recorded."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

_REQUESTS: Final = "9"
#: A piece every 5 ms: the whole answer takes a quarter of a second.
_PIECES: Final = "50"


def contest(settings: Settings) -> Contest:
    """Return the contest of clients that wait for the first byte, with and without a recorder."""
    del settings
    work = (_REQUESTS, _PIECES)
    return Contest(
        "first-byte",
        "First byte of an answer of 250 ms, while recording",
        "ms",
        (
            Contestant("not recording", "first_byte.py", ("plain", *work)),
            Contestant("harness", "first_byte.py", ("harness", *work)),
            Contestant("vcrpy", "first_byte.py", ("vcrpy", *work)),
        ),
        (Ratio("harness", "not recording", ("at most", 1.1)), Ratio("vcrpy", "not recording")),
    )
