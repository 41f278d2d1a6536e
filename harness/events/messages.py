"""Events of the `messages` channel: the transcript of a conversation."""

from __future__ import annotations

from typing import Any, Literal

from harness.events.base import BaseEvent


class ConversationMessageAddedEvent(BaseEvent):
    type: Literal["conversation_message_added"] = "conversation_message_added"
    flow_name: str
    session_id: str | None = None
    role: str
    content: Any = None
    message_index: int | None = None
