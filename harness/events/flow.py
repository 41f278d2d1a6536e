"""Events of the `flow` channel: flows and their methods."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from harness.events.base import BaseEvent
from harness.events.failures import Failure


class FlowEvent(BaseEvent):
    """Any event of one flow."""

    flow_name: str


class FlowCreatedEvent(FlowEvent):
    type: Literal["flow_created"] = "flow_created"


class FlowStartedEvent(FlowEvent):
    opens: ClassVar[str | None] = "flow"
    type: Literal["flow_started"] = "flow_started"
    inputs: dict[str, Any] | None = None


class FlowFinishedEvent(FlowEvent):
    closes: ClassVar[str | None] = "flow"
    type: Literal["flow_finished"] = "flow_finished"
    result: Any = None
    state: Any = None


class FlowFailedEvent(FlowEvent):
    closes: ClassVar[str | None] = "flow"
    type: Literal["flow_failed"] = "flow_failed"
    error: Failure
    error_type: str | None = None


class FlowPausedEvent(FlowEvent):
    closes: ClassVar[str | None] = "flow"
    type: Literal["flow_paused"] = "flow_paused"
    flow_id: str
    method_name: str
    state: Any = None
    message: str | None = None
    emit: list[str] | None = None


class FlowPlotEvent(FlowEvent):
    type: Literal["flow_plot"] = "flow_plot"


class MethodEvent(FlowEvent):
    """Any event of one method of a flow."""

    method_name: str


class MethodExecutionStartedEvent(MethodEvent):
    opens: ClassVar[str | None] = "method"
    type: Literal["method_execution_started"] = "method_execution_started"
    state: Any = None
    params: dict[str, Any] | None = None


class MethodExecutionFinishedEvent(MethodEvent):
    closes: ClassVar[str | None] = "method"
    type: Literal["method_execution_finished"] = "method_execution_finished"
    result: Any = None
    state: Any = None


class MethodExecutionFailedEvent(MethodEvent):
    closes: ClassVar[str | None] = "method"
    type: Literal["method_execution_failed"] = "method_execution_failed"
    error: Failure
    error_type: str | None = None


class MethodExecutionPausedEvent(MethodEvent):
    closes: ClassVar[str | None] = "method"
    type: Literal["method_execution_paused"] = "method_execution_paused"
    flow_id: str
    state: Any = None
    message: str | None = None
    emit: list[str] | None = None
