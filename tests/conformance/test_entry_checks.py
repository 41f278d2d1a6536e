"""Every check of `entry.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import Entered, FlagRead, Overridden, Passed, Refused, TurnRefused
from tests.conformance.faults import Fault, assert_caught, fault

ENTRIES = ("entry.flow", "entry.flow-async", "entry.llm", "entry.llm-async", "entry.turn", "entry.turn-async")
PASSED = Passed("flow.stream_events(inputs=…)", {"topic": "tides"}, {"topic": "tides"})
REFUSED = Refused("flow.stream_events(no_such_option=…)", TypeError("no"))
TURN_REFUSED = TurnRefused("flow.stream_turn(…)", ValueError("not conversational"))
FLAG = FlagRead("the flow's, inside its run", False, False)
REQUEST = Overridden("the request of a call with stop=['END']", {"stop": ["END"]}, {"stop": ["END"]})


def entered(clause: str) -> Entered:
    return Entered(clause, "streaming()", None, value=7, expected=7, frames=3)


FAULTS = (
    *(
        row
        for clause in ENTRIES
        for row in (
            fault("a way in that raises", clause, entered(clause), raised=AttributeError("streaming")),
            fault("a way in to no session", clause, entered(clause), missing=("close",)),
            fault("a session without frames", clause, entered(clause), frames=0),
            fault("another value", clause, entered(clause), value=None),
        )
    ),
    fault("a turn of any flow", "entry.turn", TURN_REFUSED, raised=None),
    fault("an accident for a refusal", "entry.turn", TURN_REFUSED, raised=AttributeError("no turn")),
    fault("inputs that are lost", "entry.kwargs", PASSED, arrived=None),
    fault("an impossible option that is taken", "entry.kwargs", REFUSED, raised=None),
    fault("a flag that changed", "entry.flag-restored", FLAG, seen=True),
    fault("a flag that is gone", "entry.flag-restored", FLAG, seen=None),
    fault("stop words that are lost", "entry.llm-overrides", REQUEST, seen={"stop": []}),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    in_test_crew_checks = {"entry.crew"}

    assert {row.clause for row in FAULTS} | in_test_crew_checks == {c for c in CHECKS if c.startswith("entry.")}
