"""Runs that begin where another has been: at a checkpoint, or with a state that was kept."""

from __future__ import annotations

import contextvars
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Concatenate, Final

from msgspec.structs import replace

from conformance.areas.catalogue import of_every_run
from conformance.areas.entry.scenarios import passed
from conformance.areas.flow.continuations import MethodsRun, goes_on
from conformance.areas.order import checks as order
from conformance.stage.consumer import Consumer, P, Scenarios, Seen
from conformance.stage.programs import Block, Emit, FlowProgram, Give, Method, Raise, Reach, Step
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected, InAnyOrder

_CLAUSE: Final = "flow.checkpoint"
_VALUE: Final = "done"
_METHODS: Final = ("kept", "lost", "joined")
_RESTORES: Final = ("checkpoint_restore_started", "checkpoint_restore_completed", "checkpoint_restore_failed")


def _program(consumer: Consumer, then: Step, *, streams: bool | None = None) -> FlowProgram:
    """Return a flow of two methods side by side, of which one can end while the other waits, and then does `then`.

    While a checkpoint is written nothing else goes on, so that what it holds is certain.
    """
    return consumer.flow_program(
        Method("kept", (Reach("kept"), Emit("one"), Block("beside"), Give("first"))),
        Method("lost", (Reach("lost"), Block("held"), then)),
        Method("joined", (Reach("joined"), Emit("three"), Give(_VALUE)), after=("kept", "lost"), joins="all"),
        stream=streams,
    )


def _branches(consumer: Consumer, then: Step) -> FlowProgram:
    """Return a flow of two branches of two methods each, which are joined; its first methods are those of `_program`."""
    return consumer.flow_program(
        *_program(consumer, then).methods[:2],
        Method("after_kept", (Reach("after_kept"), Give("first")), after=("kept",)),
        Method("after_lost", (Reach("after_lost"), Give("second")), after=("lost",)),
        Method("joined", (Reach("joined"), Give(_VALUE)), after=("after_kept", "after_lost"), joins="all"),
    )


def _checkpoint(consumer: Consumer, folder: str, program: FlowProgram, begun: str = "kept") -> str:
    """Let a run of a program that fails do so after it has written a checkpoint, and return where that is.

    What it has begun by then, to the method of that name, does not reach its points any later.
    """
    stage = consumer.stage

    def listener(source: Any, event: Any) -> None:
        if event.type == "checkpoint_completed":
            stage.note("location", str(event.location))
            stage.reach("written")

    config = consumer.subject.checkpoint_config(location=folder, on_events=["method_execution_finished"])
    flow = consumer.flow(program, checkpoint=config)
    with consumer.subject.listening(listener):
        frames = consumer.iterate(consumer.stream(flow))
        consumer.take(frames, 1)
        consumer.await_reached("held")
        stage.release("beside")
        consumer.await_reached("written")
        consumer.await_reached(begun)
        stage.release("held")
        consumer.take(frames)
    location: str = stage.noted("location")[0]
    return location


#: Takes a way into a restored run: from a flow and a config to what the call gives.
Enter = Callable[[Consumer, Any, Any], Any]


def _stream(consumer: Consumer, flow: Any, config: Any, **options: Any) -> Any:
    return (flow.stream_events if consumer.is_sync else flow.astream)(from_checkpoint=config, **options)


def _kickoff(consumer: Consumer, flow: Any, config: Any) -> Any:
    return (flow.kickoff if consumer.is_sync else flow.kickoff_async)(from_checkpoint=config)


def _kickoff_object(consumer: Consumer, flow: Any, config: Any) -> Any:
    flow.stream = True
    return _kickoff(consumer, flow, config)


def _resume(
    consumer: Consumer,
    call: str,
    enter: Enter,
    failing: FlowProgram,
    program: FlowProgram,
    *,
    methods: tuple[str, ...] = _METHODS,
    begun: str = "kept",
) -> tuple[Evidence, MethodsRun, str]:
    """Restore a run from where a `failing` one was; return what was seen, what was run, and the checkpoint's place."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        location = _checkpoint(consumer, folder, failing, begun)
        run = MethodsRun(consumer.stage, methods)
        flow = consumer.flow(program)
        config = consumer.subject.checkpoint_config(location=folder, restore_from=location)
        make = partial(enter, consumer, flow, config)
        return goes_on(consumer, _CLAUSE, call, make, _VALUE, run, methods[1:]), run, location


def _restored(
    consumer: Consumer, call: str, enter: Enter, *, streams: bool | None = None, later: bool = False
) -> Evidence:
    """A run that is restored after another has failed, of a class that `streams`; `later`, after some other flow."""
    if later:
        consumer.read(consumer.stream(consumer.flow(_OTHER)))
    failing, program = _program(consumer, Raise(LookupError)), _program(consumer, Emit("two"), streams=streams)
    evidence, run, location = _resume(consumer, call, enter, failing, program)
    if not evidence.reads:
        return evidence
    expected = [*evidence.expected, *_in_order(evidence)]
    if evidence.reads[-1].raised is None:
        expected += _shown(call, evidence, run)
    locations = [frame.data.get("location") for frame in evidence.frames if frame.type == _RESTORES[0]]
    # Where no frame tells of it, only what is run tells whether it arrived.
    if locations or "kept" in run.names:
        arrived = locations[0] if locations else None
        expected.append(passed(f"{call} with from_checkpoint=…", location, arrived))
    return replace(evidence, expected=tuple(expected))


def _shown(call: str, evidence: Evidence, run: MethodsRun) -> Iterator[Expected]:
    """Hold the frames of a restored run to what it did: it was restored, started, and ran its methods."""
    frames = evidence.frames
    begins = tuple(frame.type for frame in frames if frame.type in (*_RESTORES, "flow_started"))
    yield Expected(_CLAUSE, f"how {call} begins", (*_RESTORES[:2], "flow_started"), begins)
    started = [frame.data.get("method_name") for frame in frames if frame.type == "method_execution_started"]
    shown = tuple(name for name in _METHODS for _ in range(started.count(name)))
    yield Expected(_CLAUSE, f"runs of methods that the frames of {call} tell of", InAnyOrder(run.names), shown)


def _in_order(evidence: Evidence) -> Iterator[Expected]:
    for check in order.CHECKS:
        breaches = tuple(message for _, message in check.find(evidence))
        yield Expected(_CLAUSE, f"what breaks {check.clause} in a restored run", (), breaches)


def _in_branches(consumer: Consumer) -> Evidence:
    """A run that goes on in the middle of two branches: one has done its first method, and the other has not."""
    call = "a streamed run, restored in the middle of its branches,"
    methods = ("kept", "lost", "after_kept", "after_lost", "joined")
    failing, program = _branches(consumer, Raise(LookupError)), _branches(consumer, Give("second"))
    evidence, _, _ = _resume(consumer, call, _stream, failing, program, methods=methods, begun="after_kept")
    return replace(evidence, expected=(*evidence.expected, *_in_order(evidence))) if evidence.reads else evidence


def _with_inputs(consumer: Consumer) -> Evidence:
    """A restored run that is given inputs, too."""
    call, inputs = "a streamed run with from_checkpoint=… and inputs=…", {"topic": "tides"}
    failing, program = _program(consumer, Raise(LookupError)), _program(consumer, Emit("two"))
    evidence, _, _ = _resume(consumer, call, partial(_stream, inputs=inputs), failing, program)
    if not evidence.reads:
        return evidence
    started = (frame.data for frame in evidence.frames if frame.type == "method_execution_started")
    topics = {(data.get("state") or {}).get("topic") for data in started}
    return replace(evidence, expected=(*evidence.expected, passed(call, set(inputs.values()), topics)))


_STATE: Final = {"topic": "tides", "depth": 3}
_OTHER: Final = FlowProgram((Method("gives", (Give(_VALUE),)),), name="OtherFlow")


def _state(consumer: Consumer) -> Evidence:
    """A streamed run that begins with the state of another."""
    memory = consumer.subject.memory()
    memory.save_state("earlier", "gives", {"id": "earlier", **_STATE})
    flow = consumer.flow(_OTHER, persistence=memory)
    evidence = consumer.read_flow(flow, restore_from_state_id="earlier")
    states = [frame.data.get("state") for frame in evidence.frames if frame.type == "method_execution_started"]
    state = states[0] if states and states[0] is not None else {}
    entry = "stream_events" if consumer.is_sync else "astream"
    arrived = {name: value for name, value in state.items() if name != "id"}
    return replace(evidence, expected=(passed(f"flow.{entry}(restore_from_state_id=…)", _STATE, arrived),))


_NEEDS: Final = "flow checkpoint"
_RESTORED: Final = frozenset({"flow.checkpoint"})
_PASSED: Final = frozenset({"entry.kwargs"})


def _restores(
    name: str,
    clauses: frozenset[str],
    observe: Callable[Concatenate[Consumer, P], Seen],
    *args: P.args,
    **options: P.kwargs,
) -> None:
    """Have nothing of what went on in this thread before reach the runs, or what they keep: its context is left out."""

    def apart(consumer: Consumer) -> Seen:
        return contextvars.Context().run(observe, consumer, *args, **options)

    SCENARIOS.both(name, clauses, _NEEDS, apart)


SCENARIOS: Final = Scenarios()
_WHOLE: Final = of_every_run() | _RESTORED | _PASSED | {"channel.lifecycle"}
_LATER: Final = "a streamed run of a flow, after a run of another,"
_restores("restore/streamed", _WHOLE, _restored, "a streamed run of a flow", _stream)
_restores("restore/streamed/later", _RESTORED | _PASSED, _restored, _LATER, _stream, later=True)
_CLASS: Final = "of a flow whose class has stream=True"
_restores("restore/streamed/class", _RESTORED, _restored, f"a streamed run {_CLASS}", _stream, streams=True)
_restores("restore/kickoff/class", _RESTORED, _restored, f"a kickoff {_CLASS}", _kickoff, streams=True)
_OBJECT: Final = "a kickoff of a flow object with stream=True"
_restores("restore/kickoff/object", _RESTORED, _restored, _OBJECT, _kickoff_object)
_restores("restore/branches", _RESTORED, _in_branches)
_restores("restore/inputs", _RESTORED | _PASSED, _with_inputs)
SCENARIOS.both("restore/state", of_every_run() | _PASSED, _NEEDS, _state)
