"""The built-in event types: the channel of each, and what scope it opens or closes.

Written from the documentation of the events and not imported from a runtime, whose own table is what is under test.
"""

from __future__ import annotations

from collections.abc import Mapping

CHANNELS = frozenset({"llm", "flow", "tools", "messages", "lifecycle", "custom"})

#: How a scope closes: its kind, the type that opens it, the types that close it. One row per kind.
_SCOPES = """
flow               flow_started               flow_finished flow_failed flow_paused
method             method_execution_started   method_execution_finished method_execution_failed method_execution_paused
turn               conversation_turn_started  conversation_turn_completed conversation_turn_failed
call               llm_call_started           llm_call_completed llm_call_failed
tool               tool_usage_started         tool_usage_finished tool_usage_error
crew               crew_kickoff_started       crew_kickoff_completed crew_kickoff_failed
task               task_started               task_completed task_failed
agent              agent_execution_started    agent_execution_completed agent_execution_error
checkpoint         checkpoint_started         checkpoint_completed checkpoint_failed
checkpoint_restore checkpoint_restore_started checkpoint_restore_completed checkpoint_restore_failed
guardrail          llm_guardrail_started      llm_guardrail_completed
"""

_LEAVES = {
    "llm": "llm_stream_chunk llm_thinking_chunk",
    "flow": """
        flow_created flow_plot flow_input_requested flow_input_received human_feedback_requested human_feedback_received
        conversation_route_selected
    """,
    "tools": "tool_validate_input_error tool_selection_error tool_execution_error tool_failure_detected",
    "messages": "conversation_message_added",
}

_CHANNEL_OF_KIND = {"flow": "flow", "method": "flow", "turn": "flow", "call": "llm", "tool": "tools"}

#: Types that one runtime has built in and another does not. Where a runtime knows them they are `lifecycle`, else they
#: are a user's and `custom`; both are right, so no channel clause judges them.
_RUNTIME_SPECIFIC_SCOPES = """
memory_query       memory_query_started            memory_query_completed memory_query_failed
memory_save        memory_save_started             memory_save_completed memory_save_failed
memory_retrieval   memory_retrieval_started        memory_retrieval_completed memory_retrieval_failed
knowledge_query    knowledge_query_started         knowledge_query_completed knowledge_query_failed
knowledge_search   knowledge_search_query_started  knowledge_search_query_completed knowledge_search_query_failed
reasoning          agent_reasoning_started         agent_reasoning_completed agent_reasoning_failed
lite_agent         lite_agent_execution_started    lite_agent_execution_completed lite_agent_execution_error
evaluation         agent_evaluation_started        agent_evaluation_completed agent_evaluation_failed
crew_train         crew_train_started              crew_train_completed crew_train_failed
crew_test          crew_test_started               crew_test_completed crew_test_failed
mcp_connection     mcp_connection_started          mcp_connection_completed mcp_connection_failed
mcp_tool           mcp_tool_execution_started      mcp_tool_execution_completed mcp_tool_execution_failed
"""
_RUNTIME_SPECIFIC_LEAVES = """
agent_logs_started agent_logs_execution checkpoint_fork_started checkpoint_fork_completed checkpoint_pruned
crew_test_result goal_achieved_early hook_dispatched llm_guardrail_failed mcp_config_fetch_failed plan_refinement
plan_replan_triggered plan_step_started plan_step_completed skill_activated skill_discovery_started
skill_discovery_completed skill_download_started skill_download_completed skill_load_failed skill_loaded skill_used
step_observation_started step_observation_completed step_observation_failed task_evaluation
"""


def _rows(table: str) -> list[tuple[str, str, list[str]]]:
    return [(kind, opener, closers) for kind, opener, *closers in map(str.split, table.strip().splitlines())]


_BUILT_IN = _rows(_SCOPES)
_SPECIFIC = _rows(_RUNTIME_SPECIFIC_SCOPES)

#: The channel of every type that all runtimes have built in. What is neither here nor runtime-specific is a user's.
CHANNEL_OF: Mapping[str, str] = {
    **{name: channel for channel, names in _LEAVES.items() for name in names.split()},
    **{
        name: _CHANNEL_OF_KIND.get(kind, "lifecycle")
        for kind, opener, closers in _BUILT_IN
        for name in (opener, *closers)
    },
}

RUNTIME_SPECIFIC: frozenset[str] = frozenset(_RUNTIME_SPECIFIC_LEAVES.split()).union(
    name for _, opener, closers in _SPECIFIC for name in (opener, *closers)
)

#: The kind of scope that a type opens.
OPENS: Mapping[str, str] = {opener: kind for kind, opener, _ in (*_BUILT_IN, *_SPECIFIC)}
#: The kind of scope that a type closes.
CLOSES: Mapping[str, str] = {closer: kind for kind, _, closers in (*_BUILT_IN, *_SPECIFIC) for closer in closers}

#: The types whose payload reports an error.
FAILURES: frozenset[str] = frozenset(name for name in CHANNEL_OF if name.endswith(("_failed", "_error")))


def opens(frame_type: str, channel: str) -> str | None:
    """Return the kind of scope that such a frame opens; a frame on `custom` is a user's, so it opens none."""
    return None if channel == "custom" and frame_type not in CHANNEL_OF else OPENS.get(frame_type)


def closes(frame_type: str, channel: str) -> str | None:
    """Return the kind of scope that such a frame closes; a frame on `custom` is a user's, so it closes none."""
    return None if channel == "custom" and frame_type not in CHANNEL_OF else CLOSES.get(frame_type)


def is_user_type(frame_type: str) -> bool:
    return frame_type not in CHANNEL_OF and frame_type not in RUNTIME_SPECIFIC
