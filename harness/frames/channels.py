"""Channels: which one an event goes by, and the namespace below it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import orjson

from harness.frames.codec import encode

Channel = Literal["llm", "flow", "tools", "messages", "lifecycle", "custom"]
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)

_TYPES_BY_CHANNEL: Final[dict[Channel, str]] = {
    "llm": "llm_call_started llm_stream_chunk llm_thinking_chunk llm_call_completed llm_call_failed",
    "flow": """
        flow_created flow_started flow_finished flow_failed flow_paused flow_plot
        method_execution_started method_execution_finished method_execution_failed method_execution_paused
        flow_input_requested flow_input_received human_feedback_requested human_feedback_received
        conversation_turn_started conversation_turn_completed conversation_turn_failed conversation_route_selected
    """,
    "tools": """
        tool_usage_started tool_usage_finished tool_usage_error
        tool_validate_input_error tool_selection_error tool_execution_error tool_failure_detected
    """,
    "messages": "conversation_message_added",
    "lifecycle": """
        crew_kickoff_started crew_kickoff_completed crew_kickoff_failed
        task_started task_completed task_failed
        agent_execution_started agent_execution_completed agent_execution_error
        checkpoint_started checkpoint_completed checkpoint_failed
        checkpoint_restore_started checkpoint_restore_completed checkpoint_restore_failed
        checkpoint_fork_started checkpoint_fork_completed checkpoint_pruned
        llm_guardrail_started llm_guardrail_completed
    """,
    "custom": "",
}
#: The channel of every built-in event type, one row each; any other type is `custom` (clause `channel.by-table`).
CHANNEL_OF: Mapping[str, Channel] = MappingProxyType(
    {name: channel for channel, names in _TYPES_BY_CHANNEL.items() for name in names.split()}
)

#: What a namespace names after the channel, in this order (clause `namespace.order`).
NAMED: Final = ("flow_name", "method_name", "session_id", "call_id", "tool_name", "agent_role", "task_name")


def channel_of(event_type: str) -> Channel:
    """Return the channel of an event type."""
    return CHANNEL_OF.get(event_type, "custom")


def name_of(value: Any) -> str:
    """Return a value of `NAMED` as text.

    A user's own event may have a number for its `session_id`, or text that no file can hold.
    """
    if type(value) is str and value.isascii():
        return value
    encoded = encode(value)
    return encoded if isinstance(encoded, str) else orjson.dumps(encoded).decode()
