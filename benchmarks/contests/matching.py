"""Opening a cassette and matching its interactions, by how many there are."""

from __future__ import annotations

from benchmarks.contest import Contest, Contestant, Ratio, Settings


def contest(settings: Settings) -> Contest:
    """Return the contest of playing 1,000 interactions, and of how the work grows with their number."""
    del settings
    return Contest(
        "matching",
        "Opening and matching one cassette",
        "s",
        (
            Contestant("harness, 1,000", "matching.py", ("harness", "1000")),
            Contestant("harness, 3,000", "matching.py", ("harness", "3000")),
            Contestant("vcrpy, 500", "matching.py", ("vcrpy", "500")),
            Contestant("vcrpy, 1,000", "matching.py", ("vcrpy", "1000")),
        ),
        (
            # Linear: three times the work, and room for noise. Quadratic would be nine times.
            Ratio("harness, 3,000", "harness, 1,000", ("at most", 3.6)),
            Ratio("vcrpy, 1,000", "vcrpy, 500"),
            Ratio("vcrpy, 1,000", "harness, 1,000", ("at least", 1)),
        ),
    )
