"""Every check of `flow.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import FeedbackShown, Paused, Restored, Resumed
from conformance.run.judge import judge
from tests.conformance import timelines
from tests.conformance.faults import Fault, assert_caught, fault

ENDS = ("method_execution_finished", "method_execution_paused", "flow_paused")
PENDING = object()
WAITING = Paused(ENDS, ENDS, "flow_paused", PENDING, True, True, None, ("drafts", "asks"), ("drafts", "asks"))
RESUMED = Resumed("resume(…)", None, "done", "done", ("drafts", "asks", "ends"), ("drafts", "asks", "ends"))
PRELUDE = ("checkpoint_restore_started", "checkpoint_restore_completed", "flow_started")
RESTORED = Restored(
    "a streamed run", None, "done", "done", ("lost", "joined"), ("lost", "joined"), (), (), PRELUDE, ("lost", "joined")
)
ANSWERED = (("requested", "Is that right?"), ("received", "Yes."))
SHOWN = FeedbackShown("a provider", ANSWERED, ANSWERED)

FAULTS = (
    fault("a pause that raises", "flow.pending", WAITING, raised=LookupError("pending"), is_pending=False),
    fault("a pause that comes to nothing", "flow.pending", WAITING, value=None, is_pending=False),
    fault("a pause that is not the end", "flow.pending", WAITING, is_exhausted=False),
    fault("a pause without paused frames", "flow.pending", WAITING, ends=("method_execution_finished",)),
    fault("a pause that shows a failure", "flow.pending", WAITING, ends=(*ENDS[:-1], "flow_failed")),
    fault("a finished frame after a pause", "flow.pending", WAITING, ends=(*ENDS, "flow_finished")),
    fault("a frame after the pause", "flow.pending", WAITING, last="probe"),
    fault("a pause that runs what comes after it", "flow.pending", WAITING, ran=("drafts", "asks", "ends")),
    fault("a resumed flow that raises", "flow.pending", RESUMED, raised=LookupError("no"), value=None),
    fault("a resumed flow that comes to another value", "flow.pending", RESUMED, value="text"),
    fault(
        "a resumed flow that begins again", "flow.pending", RESUMED, ran=("drafts", "drafts", "asks", "asks", "ends")
    ),
    fault("a resumed flow that stops there", "flow.pending", RESUMED, ran=("drafts", "asks")),
    fault("a resumed flow that can't be streamed", "flow.pending", RESUMED, missing=("events",)),
    fault("a resumed flow that does not wait to be read", "flow.pending", RESUMED, early=("ends",)),
    fault("a restored run that raises", "flow.checkpoint", RESTORED, raised=LookupError("no"), value=None),
    fault("a restored run that gives a plain value", "flow.checkpoint", RESTORED, missing=("events",)),
    fault("a restored run that comes to a session", "flow.checkpoint", RESTORED, value=PENDING),
    fault(
        "a restored run that begins again", "flow.checkpoint", RESTORED, ran=("kept", "lost"), shown=("kept", "lost")
    ),
    fault("a restored run that says nothing of it", "flow.checkpoint", RESTORED, prelude=("flow_started",)),
    fault("a restored run that failed to be", "flow.checkpoint", RESTORED, prelude=("checkpoint_restore_failed",)),
    fault("a restored run that shows what was not run", "flow.checkpoint", RESTORED, shown=("kept", "lost", "joined")),
    fault("a restored run that hides what was run", "flow.checkpoint", RESTORED, shown=("joined",)),
    fault("a restored run that was over before it was read", "flow.checkpoint", RESTORED, early=("lost", "joined")),
    fault("a question that is not shown", "flow.feedback-frames", SHOWN, seen=ANSWERED[1:]),
    fault("an answer that is not shown", "flow.feedback-frames", SHOWN, seen=ANSWERED[:1]),
    fault("another answer", "flow.feedback-frames", SHOWN, seen=(ANSWERED[0], ("received", "No."))),
    fault("an answer before its question", "flow.feedback-frames", SHOWN, seen=ANSWERED[::-1]),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    assert {row.clause for row in FAULTS} == {c for c in CHECKS if c.startswith("flow.")}


def test_a_restored_run_whose_frames_break_an_order_clause_breaks_its_own_too() -> None:
    sound = replace(timelines.restored_flow(), observations=(RESTORED,))
    assert judge(sound).failed == ()
    *others, last = sound.frames
    swapped = replace(sound, frames=(last, *others))
    assert {"order.delivery", "flow.checkpoint"} <= set(judge(swapped).failed)


def test_the_order_of_frames_that_were_not_restored_is_no_matter_of_checkpoints() -> None:
    sound = timelines.two_methods()
    swapped = replace(sound, frames=sound.frames[::-1])
    assert judge(swapped).status("flow.checkpoint") == "not-testable"
