"""Cassettes and recordings opened, matched, compared and replayed, and the conformance suite."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: 1,000 interactions are played; and how the work grows with their number.
MATCHING: Final = Contest(
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


def folder(settings: Settings) -> Contest:
    """Return the contest of players over the folder that the settings name; nobody takes part where they name none."""
    title = "Opening and closing every cassette of a folder"
    if settings.cassettes is None:
        return Contest("folder", f"{title} (none was given: --cassettes DIR)", "s", ())
    folder = str(settings.cassettes.resolve())
    return Contest(
        "folder",
        title,
        "s",
        (
            Contestant("harness", "folder.py", ("harness", folder)),
            Contestant("vcrpy", "folder.py", ("vcrpy", folder)),
            Contestant("cassetter", "folder.py", ("cassetter", folder), "cassetter"),
        ),
        (Ratio("vcrpy", "harness", ("at least", 1)), Ratio("cassetter", "harness")),
    )


#: Recordings, and frames of each.
_COMPARED: Final = ("50", "1000")
#: Runs are checked of which none has changed.
COMPARING: Final = Contest(
    "comparing",
    "Comparing 50 recordings of 1,000 frames",
    "s",
    (
        Contestant("harness, frames to verdict", "comparing.py", ("frames", *_COMPARED)),
        Contestant("harness, lines to verdict", "comparing.py", ("lines", *_COMPARED)),
        Contestant("syrupy", "comparing.py", ("syrupy", *_COMPARED)),
    ),
    (
        Ratio("syrupy", "harness, frames to verdict", ("at least", 10)),
        Ratio("syrupy", "harness, lines to verdict"),
    ),
)

#: How many scenarios are called the slowest.
_SLOWEST: Final = "10"


def suite(settings: Settings) -> Contest:
    """Return the suite against this project's runtime: as a whole, a worker's start, and each area alone."""
    from conformance.areas.catalogue import scenarios
    from conformance.subjects.subject import load_subject

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


#: How many interactions are replayed.
INTERACTIONS: Final = 20_000


def size(settings: Settings) -> Contest:
    """Return the contest of ways to replay the same interactions, each of which must report what the others do."""
    ways = {
        "1 worker": "1",
        "2 workers": "2",
        "2 shards, side by side": "shards",
        "2 workers, from a pack": "pack",
        "a scheduler with 2 workers": "dask",
    }
    chosen = _chosen(settings, settings.interactions)
    return Contest(
        "size",
        f"Replaying {settings.interactions:,} interactions",
        "s",
        tuple(Contestant(name, "size.py", ("time", way, *chosen)) for name, way in ways.items()),
        (Ratio("1 worker", "2 workers", ("at least", 1.7)),),
    )


def size_memory(settings: Settings) -> Contest:
    """Return the contest of a worker that replays all against one that replays a tenth: its memory is to stay flat."""
    count = settings.interactions
    return Contest(
        "size-memory",
        f"Memory of a worker that replays {count // 10:,} and {count:,} interactions",
        "MB",
        (
            Contestant("a tenth", "size.py", ("memory", "2", *_chosen(settings, count // 10))),
            Contestant("all", "size.py", ("memory", "2", *_chosen(settings, count))),
        ),
        (Ratio("all", "a tenth", ("at most", 1.2)),),
    )


def _chosen(settings: Settings, count: int) -> tuple[str, ...]:
    return (str(count), *(() if settings.cassettes is None else (str(settings.cassettes.resolve()),)))
