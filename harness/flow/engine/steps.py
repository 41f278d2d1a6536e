"""The steps of a run of a flow: the flow itself, and each call of a method in it."""

from __future__ import annotations

import functools
from typing import Any

from harness import events
from harness.bus.bus import is_seen
from harness.bus.scope import Scope, current_scope
from harness.bus.step import Step, StepEnds
from harness.bus.unseen import Unseen
from harness.errors import RunPaused
from harness.events import BaseEvent
from harness.flow.engine.run import FlowRun
from harness.flow.plan.calls import MethodCall
from harness.flow.state import id_of


# Late, as all events of flows: their models are made when the first flow is.
@functools.cache
def flow_ends() -> StepEnds:
    """Return the events that end a flow."""
    return StepEnds(completed=events.FlowFinishedEvent, failed=events.FlowFailedEvent, paused=events.FlowPausedEvent)


@functools.cache
def method_ends() -> StepEnds:
    """Return the events that end a method."""
    return StepEnds(
        completed=events.MethodExecutionFinishedEvent,
        failed=events.MethodExecutionFailedEvent,
        paused=events.MethodExecutionPausedEvent,
    )


def flow_step(run: FlowRun) -> Step:
    """Return the step that a run is, not yet opened."""
    fields = {"flow_name": run.name, "inputs": run.kickoff.inputs}
    started = _started(run, events.FlowStartedEvent, fields, current_scope(), is_quiet=run.is_part)
    return Step(run.flow, started, flow_ends(), label=run.name, own_run=True, quiet=run.is_part)


def method_step(run: FlowRun, call: MethodCall, around: Scope) -> Step:
    """Return the step that a call of a method is, in the scope of its flow, not yet opened."""
    name = call.method.name
    fields = {
        "flow_name": run.name,
        "method_name": name,
        "params": {f"_{index}": argument for index, argument in enumerate(call.args)} if call.args else {},
        "state": _state(run, around),
        "triggered_by_event_id": call.triggered_by,
    }
    started = _started(run, events.MethodExecutionStartedEvent, fields, around, is_quiet=run.is_quiet)
    return Step(run.flow, started, method_ends(), label=name, own_run=True, quiet=run.is_quiet)


def _started(
    run: FlowRun, kind: type[BaseEvent], fields: dict[str, Any], around: Scope, *, is_quiet: bool
) -> BaseEvent | Unseen:
    return Unseen(kind, fields) if is_quiet or not is_seen(around, kind) else kind(**fields)


def complete(step: Step, run: FlowRun, result: Any) -> BaseEvent | Unseen:
    """Have the step of a flow or a method end with `result` and the state as it is now."""
    return step.complete(result=result, state=_state(run, step.scope))


def pause(step: Step, run: FlowRun, call: MethodCall, paused: RunPaused) -> BaseEvent | Unseen:
    """Have the step of a flow or a method end as one that waits since `call` has paused."""
    return step.pause(
        flow_id=id_of(run.state),
        method_name=call.method.name,
        state=_state(run, step.scope),
        message=paused.message,
        emit=paused.emit,
    )


def _state(run: FlowRun, scope: Scope) -> Any:
    # A copy of it is not made for nobody.
    return run.shown(run.state) if not run.is_quiet and is_seen(scope) else None
