"""Checks of the clauses `session.replay` and `session.replay-failed`: a second projection shows what the first one did."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.areas.session.views import AllFrames
from conformance.stage.reader import FramesRead
from conformance.timeline.check import Check
from conformance.timeline.evidence import Ended, Evidence
from conformance.timeline.expected import Breach, Same

_AGAIN = "events, read again after the end,"


def replayed(evidence: Evidence) -> Iterator[Breach]:
    """The cached frames come again, equal and in order, and then the same error, if any."""
    again = evidence.replayed or ()
    for message in AllFrames(evidence.frames).breaches(FramesRead(tuple(again))):
        yield None, f"{_AGAIN}{message}"
    for message in Same(evidence.raised).breaches(evidence.replay_raised):
        yield None, f"what {_AGAIN} raised{message}"


def _read_twice(ended: Ended) -> Callable[[Evidence], bool]:
    def testable(evidence: Evidence) -> bool:
        known = evidence.raised is not None or ended == "exhausted"
        return evidence.ended == ended and evidence.replayed is not None and known

    return testable


CHECKS = (
    Check("session.replay", replayed, _read_twice("exhausted")),
    Check("session.replay-failed", replayed, _read_twice("failed")),
)
