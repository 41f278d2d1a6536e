"""Events of conversations: their turns and routes, on `flow`, and their transcript, on `messages`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from harness.events.base import BaseEvent
from harness.events.failures import Failure
from harness.events.flow import FlowEvent


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
    error: Failure
    error_type: str | None = None


class ConversationRouteSelectedEvent(FlowEvent):
    type: Literal["conversation_route_selected"] = "conversation_route_selected"
    session_id: str | None = None
    route: str
    user_message: str | None = None
    message_index: int | None = None
    previous_intent: str | None = None


class ConversationMessageAddedEvent(BaseEvent):
    type: Literal["conversation_message_added"] = "conversation_message_added"
    flow_name: str
    session_id: str | None = None
    role: str
    content: Any = None
    message_index: int | None = None
