"""Conversations: what flows with `conversational = True` are configured with, keep, and are helped by."""

from __future__ import annotations

from harness.flow.conversation.config import ConversationConfig, RouterConfig
from harness.flow.conversation.dialogue import TurnOpenError
from harness.flow.conversation.functions import (
    append_message,
    get_conversation_messages,
    normalize_kickoff_inputs,
    prepare_conversational_turn,
    receive_user_message,
    set_state_field,
)
from harness.flow.conversation.state import (
    AgentMessage,
    ChatState,
    ConversationEvent,
    ConversationMessage,
    ConversationState,
)
from harness.flow.conversation.transcript import input_history_to_messages

__all__ = [
    "AgentMessage",
    "ChatState",
    "ConversationConfig",
    "ConversationEvent",
    "ConversationMessage",
    "ConversationState",
    "RouterConfig",
    "TurnOpenError",
    "append_message",
    "get_conversation_messages",
    "input_history_to_messages",
    "normalize_kickoff_inputs",
    "prepare_conversational_turn",
    "receive_user_message",
    "set_state_field",
]
