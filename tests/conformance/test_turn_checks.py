"""Every check of `turn.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import AnswerStreamed, FlowsCounted, MessageLeft, Turned
from tests.conformance.faults import Fault, assert_caught, fault
from tests.conformance.timelines import Frame, Timeline

ASKED, ANSWERED = "How is the tide?", "It rises."
RAISED = LookupError("no")
WAITS = object()


def frames(*types: str, asked: str = ASKED, answered: str = ANSWERED) -> tuple[Frame, ...]:
    """Return a turn's frames of these types; `user` and `assistant` are messages."""
    timeline = Timeline()
    for one in types:
        if one in ("user", "assistant"):
            content = asked if one == "user" else answered
            timeline.add("conversation_message_added", role=one, content=content)
        else:
            timeline.add(one)
    return tuple(timeline.frames)


STARTED, ROUTED, COMPLETED = "conversation_turn_started", "conversation_route_selected", "conversation_turn_completed"
FAILED, CALL, SAYS, DONE = "conversation_turn_failed", "llm_call_started", "llm_stream_chunk", "llm_call_completed"
WHOLE = (STARTED, "user", ROUTED, CALL, SAYS, DONE, "assistant", COMPLETED)
ADDED = (("user", ASKED), ("assistant", ANSWERED))

REPLIED = Turned("nothing", "reply", ASKED, frames(*WHOLE), ANSWERED, None, ADDED, ANSWERED, asks=True)
OWN = replace(REPLIED, after="a turn", frames=frames(STARTED, "user", ROUTED, "assistant", COMPLETED), asks=False)
WAITING = Turned(
    "nothing", "pending", ASKED, frames(STARTED, "user", ROUTED), WAITS, None, ADDED[:1], None, is_pending=True
)
FAILING = Turned(
    "nothing", "error", ASKED, frames(STARTED, "user", ROUTED, FAILED), None, RAISED, ADDED[:1], None, error=RAISED
)
AFTER_FAILURE = replace(REPLIED, after="a failed turn")
UNHEARD = MessageLeft((("assistant", "Who is there?"),))
STREAMED = AnswerStreamed(None, None, None, ("It ", "rises."), ANSWERED, asked=True)
QUIET = AnswerStreamed(False, False, False, ("It rises.",), ANSWERED, asked=True)


def without(part: str) -> dict[str, Any]:
    return {"frames": frames(*(one for one in WHOLE if one != part))}


def ordered(*types: str) -> dict[str, Any]:
    return {"frames": frames(*types)}


FAULTS = (
    *(
        fault(f"a turn without {part}", "turn.sequence", REPLIED, **without(part))
        for part in WHOLE
        if part not in (CALL, SAYS, DONE)
    ),
    fault("a turn whose model was not asked", "turn.sequence", REPLIED, **ordered(*WHOLE[:3], *WHOLE[6:])),
    fault("a turn that starts twice", "turn.sequence", REPLIED, **ordered(STARTED, *WHOLE)),
    fault("a turn that starts late", "turn.sequence", OWN, **ordered("flow_started", STARTED, *WHOLE[1:3], *WHOLE[6:])),
    fault("a frame after a turn", "turn.sequence", REPLIED, **ordered(*WHOLE, "flow_finished")),
    fault("a message after its routing", "turn.sequence", OWN, **ordered(STARTED, ROUTED, "user", *WHOLE[6:])),
    fault(
        "a call before the routing",
        "turn.sequence",
        REPLIED,
        **ordered(*WHOLE[:2], CALL, SAYS, DONE, ROUTED, *WHOLE[6:]),
    ),
    fault("a call after its answer", "turn.sequence", REPLIED, **ordered(*WHOLE[:5], "assistant", DONE, COMPLETED)),
    fault("another message of the user's", "turn.sequence", REPLIED, frames=frames(*WHOLE, asked="What?")),
    fault("another message of the assistant's", "turn.result", REPLIED, frames=frames(*WHOLE, answered="What?")),
    fault("a result that is no reply", "turn.result", REPLIED, result=None),
    fault("a turn that raises", "turn.result", OWN, result=None, raised=RAISED),
    fault("a reply that is not added", "turn.result", REPLIED, added=ADDED[:1]),
    fault("a reply that is added twice", "turn.result", OWN, added=(*ADDED, ADDED[1])),
    fault("a message that is lost", "turn.result", OWN, added=ADDED[1:]),
    fault("a wait that is raised", "turn.pending", WAITING, raised=RAISED, is_pending=False),
    fault("a wait that is an answer", "turn.pending", WAITING, result="A draft.", is_pending=False),
    *(
        fault(f"a wait that shows {one}", "turn.pending", WAITING, frames=(*WAITING.frames, *frames(one)))
        for one in (FAILED, COMPLETED, "method_execution_failed", "flow_failed")
    ),
    fault("a failure that no frame tells of", "turn.failed", FAILING, **ordered(STARTED, "user", ROUTED)),
    fault("a failure that is told twice", "turn.failed", FAILING, **ordered(STARTED, FAILED, FAILED)),
    fault("a failure that completes", "turn.failed", FAILING, **ordered(STARTED, FAILED, COMPLETED)),
    fault("a failure that is swallowed", "turn.failed", FAILING, raised=None),
    fault("another error", "turn.failed", FAILING, raised=LookupError("no")),
    fault("a next turn that fails", "turn.failed", AFTER_FAILURE, raised=RAISED, result=None),
    fault("a next turn with another's answer", "turn.failed", AFTER_FAILURE, result="The last one."),
    fault("a next turn with another's message", "turn.failed", AFTER_FAILURE, added=(("user", "The last?"), *ADDED)),
    fault("a message that stays", "turn.failed", UNHEARD, added=(("user", ASKED),)),
    fault("a model that is not asked to stream", "turn.streams-answer", STREAMED, asked=False),
    fault("tokens that are lost", "turn.streams-answer", QUIET, chunks=()),
    fault("an LLM that is left changed", "turn.streams-answer", QUIET, flag_after=True),
    *(
        fault(f"{counted}, but {started} and {finished}", "turn.deferred", counted, started=started, finished=finished)
        for counted, started, finished in (
            (FlowsCounted(True, "the first turn", 1, 0), 1, 1),
            (FlowsCounted(True, "a later turn", 0, 0), 1, 0),
            (FlowsCounted(True, "finalisation", 0, 1), 0, 0),
            (FlowsCounted(False, "the first turn", 1, 1), 1, 0),
            (FlowsCounted(False, "a later turn", 1, 1), 0, 0),
            (FlowsCounted(False, "finalisation", 0, 0), 0, 1),
        )
    ),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    assert {row.clause for row in FAULTS} == {c for c in CHECKS if c.startswith("turn.")}
