"""Every check of `error.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import Disturbed, FailedRead
from conformance.run.judge import judge
from conformance.timeline.evidence import Evidence, ResultRead
from tests.conformance import timelines
from tests.conformance.faults import Fault, assert_caught, fault

FRAMES = timelines.failed_flow().frames
ERROR, EXIT, STOP = LookupError("no"), SystemExit("no"), StopIteration("no")


def from_stop() -> RuntimeError:
    wrapped = RuntimeError("the run raised StopIteration")
    wrapped.__cause__ = STOP
    return wrapped


class UnprintableError(Exception):
    def __repr__(self) -> str:
        raise ValueError("no text")


ORDINARY = FailedRead("first", ERROR, FRAMES, ERROR, FRAMES)
EXITED = FailedRead("first", EXIT, FRAMES, EXIT, FRAMES)
STOPPED = FailedRead("first", STOP, FRAMES, from_stop(), FRAMES)
WATCHED = Disturbed("a listener that raises ValueError", True, None, 7, ("probe",), 7, ("probe",))

FAULTS = (
    fault("an exit that ends the stream as if whole", "error.base-exception", EXITED, raised=None),
    fault("an exit as another error", "error.base-exception", EXITED, raised=RuntimeError("exit")),
    fault("no error", "error.original", ORDINARY, raised=None),
    fault("what handling it raised", "error.original", ORDINARY, raised=ValueError("no text")),
    fault("another object of the class", "error.original", ORDINARY, raised=LookupError("no")),
    fault("an end for StopIteration", "error.original", STOPPED, raised=None),
    fault("a RuntimeError without its cause", "error.original", STOPPED, raised=RuntimeError("stopped")),
    fault("an observer that nobody called", "error.observer-safe", WATCHED, was_called=False),
    fault("a run that fails with its observer", "error.observer-safe", WATCHED, raised=ERROR),
    fault("another result", "error.observer-safe", WATCHED, value=None),
    fault("frames that are missing", "error.observer-safe", WATCHED, types=()),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    from_frames = {"error.frames-first"}

    assert {row.clause for row in FAULTS} | from_frames == {c for c in CHECKS if c.startswith("error.")}


@pytest.mark.parametrize(
    ("failed", "untold"),
    [
        (timelines.failed_flow, "flow_failed"),
        (timelines.failed_flow, "method_execution_failed"),
        (timelines.failed_turn, "conversation_turn_failed"),
        (timelines.failed_turn, "method_execution_failed"),
    ],
)
def test_a_failure_whose_frames_do_not_come_first_is_caught(failed: Callable[[], Evidence], untold: str) -> None:
    sound = failed()
    told = tuple(frame for frame in sound.frames if frame.type != untold)

    assert judge(sound).status("error.frames-first") == "passed"
    assert judge(replace(sound, frames=told)).status("error.frames-first") == "failed"


def test_a_failed_call_without_its_failure_is_caught() -> None:
    sound = timelines.refused_call()
    told = tuple(frame for frame in sound.frames if frame.type != "llm_call_failed")

    assert judge(sound).status("error.frames-first") == "passed"
    assert judge(replace(sound, frames=told)).status("error.frames-first") == "failed"


def test_frames_that_are_gone_after_the_failure_are_caught() -> None:
    lost = replace(ORDINARY, every=FRAMES[:-1])
    verdict = judge(replace(timelines.failed_flow(), observations=(lost,)))

    assert verdict.failed == ("error.frames-first",)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_a_result_that_swallows_a_base_exception_is_caught(error: type[BaseException]) -> None:
    raised = error("no")
    read = ResultRead("after-failure", None, None, is_completed=True, is_exhausted=False, is_cancelled=False)
    seen = FailedRead("first", raised, FRAMES, raised, FRAMES)

    assert judge(Evidence((), "failed", reads=(read,), observations=(seen,))).failed == ("error.base-exception",)


def test_an_error_that_can_not_be_printed_is_reported_by_its_class() -> None:
    seen = FailedRead("first", UnprintableError(), FRAMES, None, FRAMES)

    [violation] = judge(Evidence((), "failed", observations=(seen,))).violations

    assert violation.message == "the run raised <UnprintableError>, and reading it ended as if it were whole"
