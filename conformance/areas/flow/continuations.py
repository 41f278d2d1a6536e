"""Runs that begin where another has been: what they run, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec.structs import replace

from conformance.areas.entry.ways import lacks
from conformance.stage.consumer import Consumer
from conformance.stage.points import Stage
from conformance.stage.programs import FlowProgram
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, Expected, InAnyOrder, comes_to


class MethodsRun:
    """Which methods, each of which reaches a point of its own name, have been run since this was made."""

    def __init__(self, stage: Stage, methods: tuple[str, ...]) -> None:
        self._stage = stage
        self._before = {name: stage.times_reached(name) for name in methods}

    @property
    def names(self) -> tuple[str, ...]:
        """Each method, in the order of the program, as often as it was run."""
        return tuple(
            name for name, times in self._before.items() for _ in range(self._stage.times_reached(name) - times)
        )

    def held(self, clause: str, who: str, due: tuple[str, ...]) -> Expected:
        return Expected(clause, f"what {who} ran", InAnyOrder(due), self.names)


def resumable(consumer: Consumer, flow: Any, value: Any) -> tuple[Any, tuple[Expected, ...]]:
    """Return the flow that came to `value`, taken up by its id; where that can't be, None and what is told of it."""
    if not consumer.subject.is_pending(value):
        return None, (Expected("flow.pending", f"whether {value!r} waits to be resumed", True, False),)
    take_up = partial(type(flow).from_pending, value.context.flow_id, persistence=flow.persistence)
    waiting, raised = consumer.tried(take_up)
    if raised is not None:
        return None, (Expected("flow.pending", "from_pending(…)", NOTHING, raised),)
    return waiting, ()


def resumed(
    consumer: Consumer, program: FlowProgram, methods: tuple[str, ...], answer: str, value: object, due: tuple[str, ...]
) -> Iterator[Expected]:
    """Read a flow that comes to wait, and resume it with an answer: it comes to `value`, and runs the methods that are `due`."""
    clause, flow = "flow.pending", consumer.flow(program)
    pending = consumer.read_flow(flow).reads[-1].value
    # Nothing of what was run before it waited may be run again.
    run = MethodsRun(consumer.stage, methods)
    waiting, amiss = resumable(consumer, flow, pending)
    if waiting is None:
        yield from amiss
        return
    resume = waiting.resume if consumer.is_sync else waiting.resume_async
    call = f"{resume.__name__}(…)"
    yield from comes_to(clause, call, value, *consumer.tried(partial(resume, answer)))
    yield run.held(clause, call, due)


def goes_on(
    consumer: Consumer,
    clause: str,
    call: str,
    enter: Callable[[], Any],
    value: object,
    run: MethodsRun,
    due: tuple[str, ...],
) -> Evidence:
    """Take a way into a run that goes on, which must be a session, and read it to its end: it comes to `value`.

    The methods that are `due` are run, none of them before the first frame is asked for.
    """
    session, raised = consumer.tried(enter)
    expected = [Expected(clause, call, NOTHING, raised)]
    # Whether it can be closed is a matter of its own.
    missing = () if raised is not None else tuple(name for name in lacks(consumer, session) if name != "close")
    if raised is None:
        aspect = f"what {type(session).__name__}, given by {call}, lacks to be a session"
        expected.append(Expected(clause, aspect, (), missing))
    expected.append(Expected(clause, f"what {call} ran before the first frame was asked for", (), run.names))
    if raised is not None or missing:
        return Evidence((), "exhausted", expected=(*expected, run.held(clause, call, due)))
    consumer.keep(session)
    evidence = consumer.read_whole(lambda: session)
    read = evidence.reads[-1]
    expected += comes_to(clause, f"reading {call}", value, read.value, read.raised)
    # A value that is a session was not read: what it would run has not been run.
    return replace(evidence, expected=(*expected, run.held(clause, call, due)))
