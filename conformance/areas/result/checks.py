"""Checks of the clauses `result.*`, from what a consumer read of `session.result`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.timeline.check import Check
from conformance.timeline.evidence import Evidence, ResultRead, When
from conformance.timeline.expected import Breach, shown

_TOO_EARLY = "Streaming has not completed yet"

#: What a session says of itself at each moment: is_completed, is_exhausted, is_cancelled.
_STATES: dict[When, tuple[bool, bool, bool]] = {
    "before": (False, False, False),
    "after-break": (False, False, False),
    "after-exhaustion": (True, True, False),
    "after-failure": (True, False, False),
    "after-close": (True, False, True),
}


def gated(evidence: Evidence) -> Iterator[Breach]:
    return _refused_as_too_early(evidence, "before")


def gated_after_break(evidence: Evidence) -> Iterator[Breach]:
    """A loop left early completes nothing. That nothing is lost by it, `order.seq-gapless` shows."""
    for read in _reads(evidence, "after-break"):
        if read.is_completed:
            yield None, "is_completed is True after a loop was left early"
    yield from _refused_as_too_early(evidence, "after-break")


def _refused_as_too_early(evidence: Evidence, when: When) -> Iterator[Breach]:
    for read in _reads(evidence, when):
        if read.raised is None:
            yield None, f"result read {when} gave {shown(read.value)} instead of a RuntimeError"
        elif not isinstance(read.raised, RuntimeError) or not str(read.raised).startswith(_TOO_EARLY):
            yield None, f'result read {when} raised {shown(read.raised)}, not RuntimeError "{_TOO_EARLY} …"'


def value(evidence: Evidence) -> Iterator[Breach]:
    for read in _reads(evidence, "after-exhaustion"):
        expected = evidence.outcome.value if evidence.outcome is not None else None
        if read.raised is not None:
            yield None, f"result raised {shown(read.raised)} after the stream was exhausted"
        elif read.value is not expected and (type(read.value) is not type(expected) or read.value != expected):
            yield None, f"result is {shown(read.value)}, the run returned {shown(expected)}"


def reraises(evidence: Evidence) -> Iterator[Breach]:
    error = evidence.outcome.error if evidence.outcome is not None else None
    depth: int | None = None
    for read in _reads(evidence, "after-failure"):
        if read.raised is not error:
            reading = "raised nothing" if read.raised is None else f"raised {shown(read.raised)}"
            yield None, f"result {reading}, not the exception object of the run: {shown(error)}"
        elif depth is not None and read.traceback_depth > depth:
            yield None, f"the traceback grew from {depth} to {read.traceback_depth} entries by reading the result again"
        else:
            depth = read.traceback_depth


def after_close(evidence: Evidence) -> Iterator[Breach]:
    for read in _reads(evidence, "after-close"):
        if read.raised is None:
            yield None, f"result gave {shown(read.value)} after an early close"
        elif not isinstance(read.raised, RuntimeError) or "closed" not in str(read.raised).lower():
            yield None, f"result raised {shown(read.raised)} after an early close, not a RuntimeError that says so"


def exclusive_states(evidence: Evidence) -> Iterator[Breach]:
    for read in evidence.reads:
        states = (read.is_completed, read.is_exhausted, read.is_cancelled)
        names = ("is_completed", "is_exhausted", "is_cancelled")
        for name, is_so, ought in zip(names, states, _STATES[read.when], strict=True):
            if is_so is not ought:
                yield None, f"{name} is {is_so!r} {read.when}, not {ought!r}"


def _reads(evidence: Evidence, when: When) -> Iterator[ResultRead]:
    return (read for read in evidence.reads if read.when == when)


def _read(when: When) -> Callable[[Evidence], bool]:
    return lambda evidence: any(_reads(evidence, when))


def _read_and_known(when: When) -> Callable[[Evidence], bool]:
    return lambda evidence: evidence.outcome is not None and any(_reads(evidence, when))


CHECKS = (
    Check("result.gated", gated, _read("before"), of_every_run=True),
    Check("result.gated-after-break", gated_after_break, _read("after-break")),
    Check("result.value", value, _read_and_known("after-exhaustion")),
    Check("result.reraises", reraises, _read_and_known("after-failure")),
    Check("result.after-close", after_close, _read("after-close")),
    Check("result.states", exclusive_states, lambda evidence: bool(evidence.reads)),
)
