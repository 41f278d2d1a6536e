"""What a check of frames is: a pure function from evidence to every violation of one clause."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Breach


class Violation(Struct, frozen=True):
    """One place where a run broke one clause."""

    clause: str
    #: The frame that shows it, or None where no single frame does.
    seq: int | None
    message: str


class Check(Struct, frozen=True):
    """Decides one clause.

    `find` gives every violation, not the first one. `testable` says whether the evidence holds anything that the clause
    speaks of; where it does not, no violation means nothing.
    """

    clause: str
    find: Callable[[Evidence], Iterable[Breach]]
    testable: Callable[[Evidence], bool]
    #: Whether every run that is read to its end decides it.
    of_every_run: bool = False

    def __call__(self, evidence: Evidence) -> tuple[Violation, ...]:
        """Return every violation, in the order in which the frames show them."""
        return tuple(Violation(self.clause, seq, message) for seq, message in self.find(evidence))


def has_frames(evidence: Evidence) -> bool:
    return bool(evidence.frames)
