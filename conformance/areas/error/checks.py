"""The check of the clause `error.frames-first`: what a run shows of its failure before that is raised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.timeline.check import Check
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Breach

#: What a run opens, whose failure must be told of before it is raised.
_OPENED: Final = ("flow", "method_execution")
#: What has no flow, the outermost first: the calls of a crew or an agent that fails need not.
_ALONE: Final = ("crew_kickoff", "agent_execution", "llm_call")
#: In a turn it is the turn that fails: a flow that runs through several is not over.
_TURN: Final = ("conversation_turn", "method_execution")
#: How a method ends that has not failed. Where all have, it is the flow that did, as one does that calls a method too often.
_DONE: Final = ("finished", "paused")


def frames_first(evidence: Evidence) -> Iterator[Breach]:
    types = [frame.type for frame in evidence.frames]
    alone = tuple(name for name in _ALONE if f"{name}_started" in types)[:1]
    opened = _TURN if "conversation_turn_started" in types else _OPENED if "flow_started" in types else alone
    for name in opened:
        failed = f"{name}_error" if name == "agent_execution" else f"{name}_failed"
        done = sum(types.count(f"{name}_{how}") for how in _DONE) if name == "method_execution" else 0
        if types.count(f"{name}_started") > done and failed not in types:
            yield None, f"the run failed, and no {failed} was shown before its exception"


def _failed_with_frames(evidence: Evidence) -> bool:
    types = {frame.type for frame in evidence.frames}
    return evidence.ended == "failed" and bool(types & {f"{name}_started" for name in (*_OPENED, *_ALONE, *_TURN)})


CHECKS = (Check("error.frames-first", frames_first, _failed_with_frames),)
