"""Checks of the clauses `replay.*`: a recorded run is made again from its tape, whole, equal and offline."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.areas.observations import MadeAgain
from conformance.timeline.check import Check, Finding, saw, seen
from conformance.timeline.evidence import Evidence


def equal(evidence: Evidence) -> Iterator[Finding]:
    """The run that is made again gives the scope tree that was recorded."""
    for made in seen(evidence, MadeAgain):
        first, again = _told(made.raised_first), _told(made.raised)
        if again != first:
            yield None, f"the run raised {first or 'nothing'}, and {again or 'nothing'} when it was made again"
        for difference in made.differences:
            yield None, f"the run made again is another: {difference}"


def offline(evidence: Evidence) -> Iterator[Finding]:
    """No request leaves."""
    for made in seen(evidence, MadeAgain):
        if made.requests_sent:
            yield None, f"{made.requests_sent} requests reached the provider while the network was blocked"


def complete(evidence: Evidence) -> Iterator[Finding]:
    """What was not recorded, not played, or can't be read is a failure."""
    for made in seen(evidence, MadeAgain):
        if not made.requests_recorded:
            yield None, "the recorded run asked the provider for nothing: there is nothing to make again"
        if made.left_unplayed:
            yield None, f"{made.left_unplayed} recorded requests were not made again"
        if made.miss is None:
            yield None, "a request that was not recorded was no failure"
        if made.misses == 0:
            yield None, "the tape does not tell of a request that was not recorded"
        if made.unplayed_then == 0:
            yield None, "the tape does not tell of recorded requests that were not made"
        if made.unreadable is None:
            yield None, "a cassette that can't be read was no failure"


def _told(error: BaseException | None) -> str:
    return "" if error is None else f"{type(error).__name__}: {error}"


CHECKS = (
    Check("replay.equal", equal, saw(MadeAgain)),
    Check("replay.offline", offline, saw(MadeAgain)),
    Check("replay.complete", complete, saw(MadeAgain)),
)
