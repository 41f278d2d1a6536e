"""Runs of a scenario that broke clauses, kept to be looked at: a few, and of each no more than a page can be made of."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

from conformance.areas.envelope.checks import readable
from conformance.run.judge import Verdict
from conformance.timeline.check import Violation
from conformance.timeline.evidence import Evidence
from harness.viewer import kept_lines

#: Of one scenario.
_MOST_RUNS: Final = 3
#: Of one run, from its first.
_MOST_FRAMES: Final = 2_000
#: Of one run, in bytes as they are kept.
_LARGEST: Final = 1 << 19


class FailedRun(Struct, frozen=True):
    """One run, as plain data that goes from one process to another."""

    #: Which run of its scenario it is; empty where there is one.
    label: str
    #: What `kept_lines` gives of its frames, compressed; credentials are taken out by the page that shows them.
    content: bytes
    violations: tuple[Violation, ...]

    @property
    def frame_lines(self) -> bytes:
        """What `kept_lines` has given of its frames."""
        return zlib.decompress(self.content)


def failed_runs(judged: Iterable[tuple[Evidence, Verdict]]) -> tuple[FailedRun, ...]:
    """Return the first of the runs that broke a clause, as far as their frames can be kept."""
    return tuple(islice(_kept(judged), _MOST_RUNS))


def _kept(judged: Iterable[tuple[Evidence, Verdict]]) -> Iterator[FailedRun]:
    for run, verdict in judged:
        frames = run.frames[:_MOST_FRAMES]
        if not frames or not verdict.failed or not all(map(readable, frames)):
            continue
        try:
            content = zlib.compress(kept_lines(frames, redact=False), 1)
        except Exception:  # noqa: S112 - what the frames of a broken subject do when they are written is no fault of ours
            continue
        if len(content) <= _LARGEST:
            yield FailedRun(run.label, content, verdict.violations)
