"""Every check of `cleanup.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import BlockLeft, CloseCalled, Closed, ClosedUnstarted, Exited, LeftBehind
from tests.conformance.faults import Fault, assert_caught, fault

CLOSED = Closed("sync", "close", "a provider's body", True, None, 3, 3, (), True, True)
LEFT = Closed("sync", "with", "a sync method", True, None, 3, 3, (), None, True)
CANCELLED = Closed("async", "cancelled-consumer", "a sync method", True, None, 3, 3, (), None, True)
EXIT = Exited("a sync session in a sync method", True, "")
OPEN, DONE, SHUT = (False, False, False), (True, True, False), (True, False, True)
AGAIN = CloseCalled("a second close()", None, SHUT, SHUT)
AT_THE_END = CloseCalled("close() after the end", None, DONE, DONE)
FIRST = CloseCalled("close() before the first frame", None, OPEN, SHUT)
UNSTARTED = ClosedUnstarted("close()", False, 0, None)
UNREAD_BLOCK = BlockLeft(was_read=False, is_exhausted=False, is_cancelled=True, raised=None)
READ_BLOCK = BlockLeft(was_read=True, is_exhausted=True, is_cancelled=False, raised=None)
GONE = LeftBehind("a flow that was read to its end", ())

FAULTS = (
    fault("closing that waits for the run", "cleanup.close-prompt", CLOSED, returned_while_blocked=False),
    fault("closing that raises", "cleanup.close-prompt", CLOSED, raised=ValueError("generator already executing")),
    fault("an interpreter that does not exit", "cleanup.close-prompt", EXIT, exited=False),
    fault("a run that goes on", "cleanup.work-stops", CLOSED, reached_later=("went-on",)),
    fault("a method that begins", "cleanup.work-stops", CLOSED, reached_later=("began-next",)),
    fault("a connection that stays", "cleanup.work-stops", CLOSED, disconnected=False),
    fault("a late frame", "cleanup.no-late-frames", CLOSED, frames_later=4),
    fault("a second close that raises", "cleanup.idempotent", AGAIN, raised=RuntimeError("closed")),
    fault("a close that cancels what is whole", "cleanup.idempotent", AT_THE_END, after=SHUT),
    fault("a close that closes nothing", "cleanup.idempotent", FIRST, after=OPEN),
    fault("a closed session that runs", "cleanup.close-before-start", UNSTARTED, ran=True),
    fault("a closed session that gives frames", "cleanup.close-before-start", UNSTARTED, frames=1),
    fault("a block that leaves a session open", "cleanup.context-exit", UNREAD_BLOCK, is_cancelled=False),
    fault("a block that cancels what is whole", "cleanup.context-exit", READ_BLOCK, is_cancelled=True),
    fault("a block that can't be left", "cleanup.context-exit", READ_BLOCK, raised=RuntimeError("no")),
    fault("a block left in the middle", "cleanup.context-exit", LEFT, is_cancelled=False),
    fault("a session that outlives its consumer", "cleanup.async-cancel", CANCELLED, is_cancelled=False),
    fault("an object that is kept", "cleanup.no-leaks", GONE, things=("the flow",)),
    fault("a task that is kept", "cleanup.no-leaks", CANCELLED, left_behind=("task 'harness-run'",)),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    assert {row.clause for row in FAULTS} == {c for c in CHECKS if c.startswith("cleanup.")}
