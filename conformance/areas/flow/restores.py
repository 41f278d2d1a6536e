"""Runs that begin where another has been: at a checkpoint, or with a state that was kept."""

from __future__ import annotations

import contextvars
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from conformance.areas.entry.scenarios import tried
from conformance.areas.flow.scenarios import no_session, read_to_end, stream
from conformance.areas.observations import Passed, Restored
from conformance.areas.order.scenarios import FRAMES
from conformance.stage.consumer import Consumer, Observe, both
from conformance.stage.programs import Block, Emit, FlowProgram, Give, Method, Raise, Reach, Step
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence

_VALUE: Final = "done"
_METHODS: Final = ("kept", "lost", "joined")
_PRELUDE: Final = (
    "checkpoint_restore_started",
    "checkpoint_restore_completed",
    "checkpoint_restore_failed",
    "flow_started",
)


def _program(consumer: Consumer, then: Step, *, streams: bool | None = None) -> FlowProgram:
    """Return a flow of two methods side by side, of which one can end while the other waits, and then does `then`.

    While a checkpoint is written nothing else goes on, so that what it holds is certain.
    """
    methods = (
        Method("kept", (Reach("kept"), Emit("one"), Block("beside"), Give("first"))),
        Method("lost", (Reach("lost"), Block("held"), then)),
        Method("joined", (Reach("joined"), Emit("three"), Give(_VALUE)), after=("kept", "lost"), joins="all"),
    )
    kind = tuple(replace(method, is_async=not consumer.is_sync) for method in methods)
    return FlowProgram(kind, stream=streams)


def _checkpoint(consumer: Consumer, subject: Subject, performance: Performance, folder: str) -> str:
    """Let a run fail after it has written a checkpoint, and return where that is."""
    stage = performance.stage

    def listener(source: Any, event: Any) -> None:
        if event.type == "checkpoint_completed":
            stage.note("location", str(event.location))
            stage.reach("written")

    config = subject.checkpoint_config(location=folder, on_events=["method_execution_finished"])
    flow = subject.flow(_program(consumer, Raise(LookupError)), performance, checkpoint=config)
    with subject.listening(listener):
        session = stream(consumer, flow)
        frames = consumer.iterate(session)
        consumer.take(frames, 1)
        consumer.await_reached("held")
        stage.release("beside")
        consumer.await_reached("written")
        stage.release("held")
        consumer.take(frames)
    location: str = stage.noted("location")[0]
    return location


#: Takes a way into a restored run: from a flow and a config to what the call gives.
Enter = Callable[[Consumer, Any, Any], Any]


def _stream(consumer: Consumer, flow: Any, config: Any) -> Any:
    return (flow.stream_events if consumer.is_sync else flow.astream)(from_checkpoint=config)


def _kickoff(consumer: Consumer, flow: Any, config: Any) -> Any:
    return (flow.kickoff if consumer.is_sync else flow.kickoff_async)(from_checkpoint=config)


def _kickoff_object(consumer: Consumer, flow: Any, config: Any) -> Any:
    flow.stream = True
    return _kickoff(consumer, flow, config)


def _apart(observe: Observe) -> Observe:
    """Have nothing of what went on in this thread before reach the runs, or what they keep: its context is left out."""
    return lambda consumer, subject, performance: contextvars.Context().run(observe, consumer, subject, performance)


def _restored(call: str, enter: Enter, *, streams: bool | None = None, later: bool = False) -> Observe:
    """A run that is restored after another has failed.

    `streams` is what the flow's class says of streaming. With `later` some other flow has been run before all this.
    """

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        stage = performance.stage
        if later:
            consumer.read(stream(consumer, subject.flow(_OTHER, performance)))
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            location = _checkpoint(consumer, subject, performance, folder)
            before = {name: stage.times_reached(name) for name in _METHODS}
            flow = subject.flow(_program(consumer, Emit("two"), streams=streams), performance)
            config = subject.checkpoint_config(location=folder, restore_from=location)

            def run_since() -> tuple[str, ...]:
                return tuple(one for one in _METHODS for _ in range(stage.times_reached(one) - before[one]))

            session, raised = tried(consumer, lambda: enter(consumer, flow, config))
            missing = () if raised is not None else no_session(consumer, session)
            early = run_since()
            if raised is not None or missing:
                seen = Restored(call, raised, session, _VALUE, run_since(), ("lost", "joined"), missing, early)
                return Evidence((), "exhausted", observations=(seen,))
            evidence = read_to_end(consumer, consumer.keep(session))
            read = evidence.reads[-1]
            value = None if read.raised is not None else read.value
            # A value that is a session was not read: what it would run has not been run.
            seen = Restored(call, read.raised, value, _VALUE, run_since(), ("lost", "joined"), (), early)
        frames = evidence.frames
        started = [frame.data.get("method_name") for frame in frames if frame.type == "method_execution_started"]
        seen = replace(
            seen,
            prelude=tuple(frame.type for frame in frames if frame.type in _PRELUDE),
            shown=tuple(one for one in _METHODS for _ in range(started.count(one))),
        )
        locations = [frame.data.get("location") for frame in frames if frame.type == "checkpoint_restore_started"]
        arrived = locations[0] if locations else None
        passed = Passed(f"{call} with from_checkpoint=…", location, arrived)
        # Where no frame tells of it, only what is run tells whether it arrived.
        observed = (seen, passed) if locations or "kept" in seen.ran else (seen,)
        return replace(evidence, observations=observed)

    return _apart(observe)


_STATE: Final = {"topic": "tides", "depth": 3}
_OTHER: Final = FlowProgram((Method("gives", (Give(_VALUE),)),), name="OtherFlow")


def _state(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """A streamed run that begins with the state of another."""
    memory = subject.memory()
    memory.save_state("earlier", "gives", {"id": "earlier", **_STATE})
    session = stream(consumer, subject.flow(_OTHER, performance, persistence=memory), restore_from_state_id="earlier")
    evidence = read_to_end(consumer, session)
    states = [frame.data.get("state") for frame in evidence.frames if frame.type == "method_execution_started"]
    state = states[0] if states and states[0] is not None else {}
    entry = "stream_events" if consumer.is_sync else "astream"
    arrived = {name: value for name, value in state.items() if name != "id"}
    return replace(evidence, observations=(Passed(f"flow.{entry}(restore_from_state_id=…)", _STATE, arrived),))


_NEEDS: Final = frozenset({"flow", "checkpoint"})
_RESTORED: Final = frozenset({"flow.checkpoint"})
_PASSED: Final = frozenset({"entry.kwargs"})

SCENARIOS: tuple[Scenario, ...] = (
    *both(
        "restore/streamed",
        FRAMES | _RESTORED | _PASSED | {"channel.lifecycle"},
        _restored("a streamed run of a flow", _stream),
        _NEEDS,
    ),
    *both(
        "restore/streamed/later",
        _RESTORED | _PASSED,
        _restored("a streamed run of a flow, after a run of another,", _stream, later=True),
        _NEEDS,
    ),
    *both(
        "restore/streamed/class",
        _RESTORED,
        _restored("a streamed run of a flow whose class has stream=True", _stream, streams=True),
        _NEEDS,
    ),
    *both(
        "restore/kickoff/class",
        _RESTORED,
        _restored("a kickoff of a flow whose class has stream=True", _kickoff, streams=True),
        _NEEDS,
    ),
    *both(
        "restore/kickoff/object",
        _RESTORED,
        _restored("a kickoff of a flow object with stream=True", _kickoff_object),
        _NEEDS,
    ),
    *both("restore/state", FRAMES | _PASSED, _state, _NEEDS),
)
