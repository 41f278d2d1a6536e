"""Where the time of the conformance suite goes."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: How many scenarios are called the slowest.
_SLOWEST: Final = "10"


def contest(settings: Settings) -> Contest:
    """Return the suite against this project's runtime: as a whole, a worker's start, and each area alone."""
    from conformance.areas.catalogue import scenarios
    from conformance.subjects.subject import load_subject

    del settings
    subject = load_subject("harness")
    areas = dict.fromkeys(name.partition("/")[0] for name, scenario in scenarios().items() if scenario.fits(subject))
    return Contest(
        "suite",
        "The conformance suite, against this project's runtime",
        "s",
        (
            Contestant("whole, 1 worker", "suite.py", ("whole", "1")),
            Contestant("whole, 2 workers", "suite.py", ("whole", "2")),
            Contestant("the first worker, and a scenario", "suite.py", ("start", "first")),
            Contestant("another worker, and a scenario", "suite.py", ("start", "next")),
            Contestant(f"the {_SLOWEST} slowest scenarios", "suite.py", ("slowest", _SLOWEST)),
            *(Contestant(f"area {name}", "suite.py", ("area", name)) for name in areas),
        ),
        # Linear in workers, where there are cores for them: twice, and room for the first start, which both have.
        (Ratio("whole, 1 worker", "whole, 2 workers", ("at least", 1.7)),),
    )
