"""Events of the `flow` channel: a method that asks somebody, and the answer."""

from __future__ import annotations

from typing import Any, Literal

from harness.events.flow import MethodEvent


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
