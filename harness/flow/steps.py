"""The steps of a run of a flow: the flow itself, and each call of a method in it."""

from __future__ import annotations

from typing import Any, Final

from harness.bus.step import Step, StepEnds
from harness.events import (
    FlowFailedEvent,
    FlowFinishedEvent,
    FlowPausedEvent,
    FlowStartedEvent,
    MethodExecutionFailedEvent,
    MethodExecutionFinishedEvent,
    MethodExecutionPausedEvent,
    MethodExecutionStartedEvent,
)
from harness.flow.plan import Call
from harness.flow.state import snapshot

_FLOW: Final = StepEnds(completed=FlowFinishedEvent, failed=FlowFailedEvent, paused=FlowPausedEvent)
_METHOD: Final = StepEnds(
    completed=MethodExecutionFinishedEvent, failed=MethodExecutionFailedEvent, paused=MethodExecutionPausedEvent
)


def flow_step(flow: Any, name: str, inputs: dict[str, Any] | None) -> Step:
    """Return the step that a run of `flow` is, not yet opened."""
    started = FlowStartedEvent(flow_name=name, inputs=inputs)
    return Step(flow, started, _FLOW, label=name, own_run=True, quiet=flow.suppress_flow_events)


def method_step(flow: Any, name: str, call: Call) -> Step:
    """Return the step that a call of one of its methods is, not yet opened."""
    started = MethodExecutionStartedEvent(
        flow_name=name,
        method_name=call.method.name,
        params={f"_{index}": argument for index, argument in enumerate(call.args)},
        state=snapshot(flow.state),
        triggered_by_event_id=call.triggered_by,
    )
    return Step(flow, started, _METHOD, label=call.method.name, own_run=True, quiet=flow.suppress_flow_events)
