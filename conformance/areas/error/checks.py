"""Checks of the clauses `error.*`: what surfaces when a run fails, and what must not when its observers do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from conformance.areas.observations import Disturbed, FailedRead
from conformance.timeline.check import Check, Finding, saw, seen, shown
from conformance.timeline.evidence import Evidence

#: What no `except Exception` catches.
_BASE_EXCEPTIONS: Final = (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)
#: What Python can't pass through an iterator.
_UNPASSABLE: Final = (StopIteration, StopAsyncIteration)
#: What a run opens, and what must tell of its failure before it is raised. A call that streams on its own has no flow.
_OPENERS: Final = {"flow_started": "flow_failed", "method_execution_started": "method_execution_failed"}
_CALL: Final = {"llm_call_started": "llm_call_failed"}
#: In a turn it is the turn that fails: a flow that runs through several is not over.
_TURN: Final = {
    "conversation_turn_started": "conversation_turn_failed",
    "method_execution_started": "method_execution_failed",
}


def frames_first(evidence: Evidence) -> Iterator[Finding]:
    """The frames of the failure came before the exception, and stay."""
    types = [frame.type for frame in evidence.frames]
    openers = _TURN if "conversation_turn_started" in types else _OPENERS if "flow_started" in types else _CALL
    for opener, failure in openers.items():
        if opener in types and failure not in types:
            yield None, f"the run failed, and no {failure} was shown before its exception"
    for read in seen(evidence, FailedRead):
        kept = {frame.id for frame in read.every}
        lost = [frame for frame in read.frames if frame.id not in kept]
        if lost:
            yield lost[0].seq, f"{len(lost)} frames that were shown are not in frames after the failure"


def base_exception(evidence: Evidence) -> Iterator[Finding]:
    """SystemExit and its like reach whoever reads, and the result, as what they are."""
    for read in _of_base_exceptions(evidence):
        if read.raised is not read.error:
            yield None, f"the run raised {shown(read.error)}, and reading it {_ended(read.raised)}"
        for result in evidence.reads:
            if result.when == "after-failure" and result.raised is not read.error:
                yield None, f"the run raised {shown(read.error)}, and its result {_ended(result.raised)}"


def original(evidence: Evidence) -> Iterator[Finding]:
    """What surfaces is the exception object that the run raised; where Python forbids that, a RuntimeError from it."""
    for read in _of_others(evidence):
        if isinstance(read.error, _UNPASSABLE):
            if type(read.raised) is not RuntimeError or read.raised.__cause__ is not read.error:
                yield None, f"the run raised {shown(read.error)}, and reading it {_ended(read.raised)}, not from it"
        elif read.raised is not read.error:
            yield None, f"the run raised {shown(read.error)}, and reading it {_ended(read.raised)}"


def observer_safe(evidence: Evidence) -> Iterator[Finding]:
    """A run does the same whether or not what observes it fails."""
    for disturbed in seen(evidence, Disturbed):
        if not disturbed.was_called:
            yield None, f"{disturbed.by} was never called"
        if disturbed.raised is not None:
            yield None, f"{disturbed.by} made the run fail: {_ended(disturbed.raised)}"
        elif disturbed.value != disturbed.undisturbed_value:
            yield (
                None,
                f"{disturbed.by} made the result {shown(disturbed.value)}, not {shown(disturbed.undisturbed_value)}",
            )
        elif disturbed.types != disturbed.undisturbed_types:
            yield None, f"{disturbed.by} changed the frames: {disturbed.types}, not {disturbed.undisturbed_types}"


def _first_reads(evidence: Evidence) -> list[FailedRead]:
    # What a second reading gives is `session.replay-failed`.
    return [read for read in seen(evidence, FailedRead) if read.when == "first"]


def _of_base_exceptions(evidence: Evidence) -> list[FailedRead]:
    return [read for read in _first_reads(evidence) if isinstance(read.error, _BASE_EXCEPTIONS)]


def _of_others(evidence: Evidence) -> list[FailedRead]:
    return [read for read in _first_reads(evidence) if not isinstance(read.error, _BASE_EXCEPTIONS)]


def _ended(raised: BaseException | None) -> str:
    return "ended as if it were whole" if raised is None else f"raised {shown(raised)}"


def _failed_with_frames(evidence: Evidence) -> bool:
    types = {frame.type for frame in evidence.frames}
    return evidence.ended == "failed" and bool(types & {*_OPENERS, *_CALL, *_TURN})


CHECKS = (
    Check("error.frames-first", frames_first, _failed_with_frames),
    Check("error.base-exception", base_exception, lambda evidence: bool(_of_base_exceptions(evidence))),
    Check("error.original", original, lambda evidence: bool(_of_others(evidence))),
    Check("error.observer-safe", observer_safe, saw(Disturbed)),
)
