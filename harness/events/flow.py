"""Events of the `flow` channel: flows, their methods, feedback and turns."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from harness.events.base import BaseEvent


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
    error: str
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
    error: str
    error_type: str | None = None


class MethodExecutionPausedEvent(MethodEvent):
    closes: ClassVar[str | None] = "method"
    type: Literal["method_execution_paused"] = "method_execution_paused"
    flow_id: str
    state: Any = None
    message: str | None = None
    emit: list[str] | None = None


class FlowInputRequestedEvent(MethodEvent):
    type: Literal["flow_input_requested"] = "flow_input_requested"
    message: str
    metadata: dict[str, Any] | None = None


class FlowInputReceivedEvent(MethodEvent):
    type: Literal["flow_input_received"] = "flow_input_received"
    message: str
    metadata: dict[str, Any] | None = None
    response: str | None = None
    response_metadata: dict[str, Any] | None = None


class HumanFeedbackRequestedEvent(MethodEvent):
    type: Literal["human_feedback_requested"] = "human_feedback_requested"
    output: Any = None
    message: str | None = None
    emit: list[str] | None = None
    request_id: str | None = None


class HumanFeedbackReceivedEvent(MethodEvent):
    type: Literal["human_feedback_received"] = "human_feedback_received"
    feedback: str
    outcome: str | None = None
    request_id: str | None = None


class ConversationTurnStartedEvent(FlowEvent):
    opens: ClassVar[str | None] = "turn"
    type: Literal["conversation_turn_started"] = "conversation_turn_started"
    session_id: str | None = None


class ConversationTurnCompletedEvent(FlowEvent):
    closes: ClassVar[str | None] = "turn"
    type: Literal["conversation_turn_completed"] = "conversation_turn_completed"
    session_id: str | None = None


class ConversationTurnFailedEvent(FlowEvent):
    closes: ClassVar[str | None] = "turn"
    type: Literal["conversation_turn_failed"] = "conversation_turn_failed"
    session_id: str | None = None
    error: str
    error_type: str | None = None


class ConversationRouteSelectedEvent(FlowEvent):
    type: Literal["conversation_route_selected"] = "conversation_route_selected"
    session_id: str | None = None
    route: str
    user_message: str | None = None
    message_index: int | None = None
    previous_intent: str | None = None
