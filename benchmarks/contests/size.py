"""Many recordings replayed: by one process, by two, in shards, from a pack, and by the workers of a scheduler."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: How many interactions are replayed.
INTERACTIONS: Final = 20_000


def contest(settings: Settings) -> Contest:
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


def memory_contest(settings: Settings) -> Contest:
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
