"""Every check of `replay.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import MadeAgain
from tests.conformance.faults import Fault, assert_caught, fault

MADE = MadeAgain(
    differences=(),
    raised_first=None,
    raised=None,
    requests_recorded=2,
    requests_sent=0,
    left_unplayed=0,
    miss=LookupError("not recorded"),
    misses=1,
    unplayed_then=2,
    unreadable=ValueError("not a cassette"),
)
REFUSED = MadeAgain(
    differences=(),
    raised_first=ValueError("429"),
    # Another object, as a second run raises it.
    raised=ValueError("429"),
    requests_recorded=1,
    requests_sent=0,
    left_unplayed=0,
    miss=LookupError("not recorded"),
    misses=1,
    unplayed_then=1,
    unreadable=ValueError("not a cassette"),
)

FAULTS = (
    fault("another timeline", "replay.equal", MADE, differences=("changed #2 → #2",)),
    fault("an error that the recorded run did not raise", "replay.equal", MADE, raised=ValueError("429")),
    fault("a recorded error that does not come back", "replay.equal", REFUSED, raised=None),
    fault("another error", "replay.equal", REFUSED, raised=ValueError("400")),
    fault("an error of another class", "replay.equal", REFUSED, raised=TypeError("429")),
    fault("a request that left", "replay.offline", MADE, requests_sent=1),
    fault("nothing to make again", "replay.complete", MADE, requests_recorded=0),
    fault("a recorded request not made again", "replay.complete", MADE, left_unplayed=1),
    fault("an unknown request that is answered", "replay.complete", MADE, miss=None),
    fault("an unknown request not told of", "replay.complete", MADE, misses=0),
    fault("unplayed requests not told of", "replay.complete", MADE, unplayed_then=0),
    fault("a torn cassette taken for empty", "replay.complete", MADE, unreadable=None),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    assert {row.clause for row in FAULTS} == {c for c in CHECKS if c.startswith("replay.")}
