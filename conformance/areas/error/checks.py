"""The check of the clause `error.frames-first`: what a run shows of its failure before that is raised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.timeline.check import Check
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Breach

#: What a run opens, and what must tell of its failure before it is raised. A call that streams on its own has no flow.
_OPENERS: Final = {"flow_started": "flow_failed", "method_execution_started": "method_execution_failed"}
_CALL: Final = {"llm_call_started": "llm_call_failed"}
#: In a turn it is the turn that fails: a flow that runs through several is not over.
_TURN: Final = {
    "conversation_turn_started": "conversation_turn_failed",
    "method_execution_started": "method_execution_failed",
}


def frames_first(evidence: Evidence) -> Iterator[Breach]:
    """The frames of the failure came before the exception."""
    types = [frame.type for frame in evidence.frames]
    openers = _TURN if "conversation_turn_started" in types else _OPENERS if "flow_started" in types else _CALL
    for opener, failure in openers.items():
        if opener in types and failure not in types:
            yield None, f"the run failed, and no {failure} was shown before its exception"


def _failed_with_frames(evidence: Evidence) -> bool:
    types = {frame.type for frame in evidence.frames}
    return evidence.ended == "failed" and bool(types & {*_OPENERS, *_CALL, *_TURN})


CHECKS = (Check("error.frames-first", frames_first, _failed_with_frames),)
