"""What a run of a flow says on the bus, and the scopes that it opens there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from harness.bus import bus, scope as scopes
from harness.bus.attribution import remember
from harness.bus.scope import Run, Scope
from harness.errors import RunCancelled
from harness.events import (
    BaseEvent,
    FlowFailedEvent,
    FlowFinishedEvent,
    FlowStartedEvent,
    MethodExecutionFailedEvent,
    MethodExecutionFinishedEvent,
    MethodExecutionStartedEvent,
)
from harness.flow.plan import Call
from harness.flow.state import snapshot
from harness.frames.codec import error_text

#: Makes the event that closes a scope early, from an explanation.
Closing = Callable[[Scope, str], BaseEvent]


class Announcer:
    """Publishes the events of one run. Every scope that it opens becomes the current one of the calling context."""

    def __init__(self, flow: Any, flow_name: str) -> None:
        self._flow = flow
        self._name = flow_name

    def flow_started(self, inputs: dict[str, Any] | None, run: Run) -> Scope:
        event = FlowStartedEvent(flow_name=self._name, inputs=inputs)
        return self._open(event, run, self._name, self._flow_ended_early)

    def flow_finished(self, scope: Scope, result: Any) -> None:
        self._close(scope, FlowFinishedEvent(flow_name=self._name, result=result, state=snapshot(self._flow.state)))

    def flow_failed(self, scope: Scope, error: BaseException) -> None:
        self._close(
            scope, FlowFailedEvent(flow_name=self._name, error=error_text(error), error_type=type(error).__name__)
        )

    def _flow_ended_early(self, _scope: Scope, why: str) -> FlowFailedEvent:
        return FlowFailedEvent(flow_name=self._name, error=why, error_type=RunCancelled.__name__)

    def method_started(self, call: Call, run: Run) -> Scope:
        event = MethodExecutionStartedEvent(
            flow_name=self._name,
            method_name=call.method.name,
            params={f"_{index}": argument for index, argument in enumerate(call.args)},
            state=snapshot(self._flow.state),
            triggered_by_event_id=call.triggered_by,
        )
        return self._open(event, run, call.method.name, functools.partial(self._method_ended_early, call))

    def method_finished(self, call: Call, scope: Scope) -> None:
        """Publish the end of a call, and note the event's id on it."""
        event = MethodExecutionFinishedEvent(
            flow_name=self._name,
            method_name=call.method.name,
            result=call.output,
            state=snapshot(self._flow.state),
            triggered_by_event_id=call.triggered_by,
        )
        call.finished_id = event.event_id
        self._close(scope, event)

    def method_failed(self, call: Call, scope: Scope, error: BaseException) -> None:
        self._close(scope, self._method_failure(call, error_text(error), type(error).__name__))

    def method_cancelled(self, call: Call, scope: Scope, why: str) -> None:
        """Publish that a call was cut off, though nothing was wrong with it."""
        self._close(scope, self._method_failure(call, why, RunCancelled.__name__))

    def _method_ended_early(self, call: Call, _scope: Scope, why: str) -> MethodExecutionFailedEvent:
        return self._method_failure(call, why, RunCancelled.__name__)

    def _method_failure(self, call: Call, error: str, error_type: str) -> MethodExecutionFailedEvent:
        return MethodExecutionFailedEvent(
            flow_name=self._name,
            method_name=call.method.name,
            error=error,
            error_type=error_type,
            triggered_by_event_id=call.triggered_by,
        )

    def _open(self, event: BaseEvent, run: Run, label: str, closing: Closing) -> Scope:
        return bus.open_scope(self._flow, event, run=run, label=label, abandon=closing)

    def _close(self, scope: Scope, event: BaseEvent) -> None:
        bus.close_scope(scope, self._flow, event)


class QuietAnnouncer(Announcer):
    """Says nothing (`suppress_flow_events`). Its scopes stand all the same, so that what is inside ends with them."""

    def _open(self, event: BaseEvent, run: Run, label: str, closing: Closing) -> Scope:
        around = scopes.current_scope()
        if around.run.cancelled:
            raise RunCancelled
        # What is emitted inside hangs from the scope around, whose started event has been seen.
        scope = Scope(event.opens or "", around.event_id, around, run, around.sinks, around.lookahead)
        scope.owned = True
        scope.label = label
        scope.abandon = lambda _why: _end_quietly(scope)
        around.children[event.event_id] = scope
        remember(self._flow, scope)
        scopes.enter(scope)
        return scope

    def _close(self, scope: Scope, event: BaseEvent) -> None:
        if scope.parent is not None and scope.parent.run.cancelled:
            raise RunCancelled
        if scope.is_open:
            _end_quietly(scope)


def _end_quietly(scope: Scope) -> None:
    for child in reversed(list(scope.children.values())):
        if child.abandon is not None:
            if child.run is not scope.run:
                child.run.cancel()
            child.abandon(f"the {scope.kind} around it ended first")
    scope.is_open = False
    siblings = scope.parent.children if scope.parent is not None else {}
    for key in [key for key, sibling in siblings.items() if sibling is scope]:
        del siblings[key]
    scopes.leave(scope)
