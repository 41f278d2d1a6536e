"""Every check of `session.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import (
    ChannelsAsked,
    Drained,
    EditedCopy,
    FailedRead,
    LazyStart,
    LookAhead,
    Repeated,
    Surface,
    Used,
    ViewRead,
)
from conformance.areas.session.checks import MORE_PROJECTIONS, PROJECTIONS
from conformance.run.judge import judge
from conformance.timeline.evidence import Evidence
from tests.conformance import timelines
from tests.conformance.faults import Fault, assert_caught, fault

EVERY = timelines.parallel_calls().frames
ON_LLM = tuple(frame for frame in EVERY if frame.channel == "llm")
LLM = frozenset({"llm"})
ERROR = LookupError("no")
NAMED = ValueError("the channels are llm, flow, tools, messages, lifecycle, custom")
NAMES = frozenset(
    {*PROJECTIONS, *MORE_PROJECTIONS, "frames", "result", "is_completed", "is_exhausted", "is_cancelled", "close"}
)

UNUSED = LazyStart(reached=(), started_threads=(), started_tasks=0)
FIRST = ViewRead("iteration", "first", None, EVERY, EVERY)
AGAIN = ViewRead("iteration", "after-end", None, EVERY, EVERY)
ON_ONE_CHANNEL = ViewRead("llm", "after-end", LLM, ON_LLM, EVERY)
ON_CUSTOM = ViewRead("custom", "after-end", frozenset({"custom"}), (), EVERY)
BESIDE = ViewRead("llm", "beside-another", LLM, ON_LLM, EVERY)
AFTER_BREAK = ViewRead("events", "after-break", None, EVERY, EVERY)
IN_A_THREAD = ViewRead("iteration", "in-a-thread", None, EVERY, EVERY)
SYNC, ASYNC = Surface("sync", NAMES), Surface("async", NAMES)
USED = Used("close() by another thread", None, is_completed=True, is_cancelled=True, cancelled=True)
DRAINED = Drained("tools", is_completed=True, frames=EVERY, every=EVERY)
REPEATED = Repeated(runs=1)
COPIED = EditedCopy(before=3, after=3)
ASKED = ChannelsAsked("interleave([])", NAMED)
BOUNDED = LookAhead(3, can_wait=True, most_unread=3, read=9, replayed=9, retained=True, raised=None)
LET_GO = LookAhead(3, can_wait=True, most_unread=3, read=9, replayed=0, retained=False, raised=ERROR)
FAILED = FailedRead("first", ERROR, EVERY, ERROR, EVERY)
FAILED_AGAIN = FailedRead("after-end", ERROR, EVERY, ERROR, EVERY)

FAULTS = (
    fault("a run that has begun", "session.lazy", UNUSED, reached=("began",)),
    fault("a thread", "session.lazy", UNUSED, started_threads=("producer",)),
    fault("a task", "session.lazy", UNUSED, started_tasks=1),
    fault("a frame left out", "session.iterates", FIRST, frames=EVERY[1:]),
    fault("a frame twice", "session.iterates", FIRST, frames=(*EVERY, EVERY[0])),
    fault("another order", "session.iterates", FIRST, frames=EVERY[::-1]),
    fault("an error at the end", "session.iterates", FIRST, raised=ERROR),
    fault("no messages", "session.projections", SYNC, names=NAMES - {"messages"}),
    fault(
        "a projection of another channel",
        "session.projections",
        ON_ONE_CHANNEL,
        "session.replay",
        beside=(SYNC,),
        frames=(*ON_LLM, EVERY[0]),
    ),
    fault("an empty projection", "session.projections", ON_ONE_CHANNEL, "session.replay", beside=(SYNC,), frames=()),
    fault("no lifecycle", "session.more-projections", SYNC, names=NAMES - {"lifecycle"}),
    fault("an error on custom", "session.more-projections", ON_CUSTOM, beside=(SYNC,), raised=ERROR),
    fault("a frame taken by the other view", "session.independent-views", BESIDE, frames=ON_LLM[1:]),
    fault("what was read before a break", "session.independent-views", AFTER_BREAK, frames=EVERY[2:]),
    fault("a session that goes on", "session.drain", DRAINED, is_completed=False),
    fault("frames that come later", "session.drain", DRAINED, frames=EVERY[:-1]),
    fault("an empty replay", "session.replay", AGAIN, frames=()),
    fault("a run that is repeated", "session.replay", REPEATED, beside=(AGAIN,), runs=2),
    fault("an empty second reading", "session.replay-failed", FAILED_AGAIN, beside=(FAILED,), frames=()),
    fault(
        "no error the second time",
        "session.replay-failed",
        FAILED_AGAIN,
        beside=(FAILED,),
        raised=None,
    ),
    fault("the log itself", "session.frames-copy", COPIED, after=0),
    fault("silence", "session.bad-channels", ASKED, raised=None),
    fault("another error", "session.bad-channels", ASKED, raised=KeyError("tokens")),
    fault("an error that names no channels", "session.bad-channels", ASKED, raised=ValueError("no channels")),
    fault("a thread that is shut out", "session.thread-safe", IN_A_THREAD, frames=(), raised=ERROR),
    fault("frames that another thread took", "session.thread-safe", IN_A_THREAD, frames=EVERY[::2]),
    fault("a close that raises", "session.same-surface", USED, raised=ERROR),
    fault("a close that cancels nothing", "session.same-surface", USED, is_cancelled=False),
    fault("only one kind that closes", "session.same-surface", ASYNC, beside=(SYNC, USED), names=NAMES - {"close"}),
    fault(
        "only one kind with custom",
        "session.same-surface",
        ASYNC,
        "session.more-projections",
        beside=(SYNC, USED),
        names=NAMES - {"custom"},
    ),
    fault("emitters that do not wait", "session.backpressure", BOUNDED, most_unread=4),
    fault("nothing to read", "session.backpressure", BOUNDED, read=0, replayed=0),
    fault("a replay that lacks what was read", "session.backpressure", BOUNDED, replayed=8),
    fault("a new projection of nothing", "session.backpressure", LET_GO, raised=None),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    assert {row.clause for row in FAULTS} == {clause for clause in CHECKS if clause.startswith("session.")}


def test_emitters_that_can_not_wait_may_be_ahead() -> None:
    ahead = LookAhead(3, can_wait=False, most_unread=60, read=9, replayed=9, retained=True, raised=None)

    assert judge(Evidence((), "exhausted", observations=(ahead,))).status("session.backpressure") == "passed"


def test_a_view_of_a_session_without_frames_decides_nothing() -> None:
    nothing = ViewRead("iteration", "first", None, (), ())

    assert judge(Evidence((), "exhausted", observations=(nothing,))).status("session.iterates") == "not-testable"


def test_what_is_missing_is_named_by_its_first_frame() -> None:
    late = ViewRead("iteration", "first", None, EVERY[2:], EVERY)

    [violation] = judge(Evidence((), "exhausted", observations=(late,))).violations

    assert violation.seq == 1
    assert violation.message.startswith(
        f"iteration read first lacks 2 of {len(EVERY)} frames, the first is flow_started"
    )
