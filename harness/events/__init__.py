"""Typed events, by what they tell of. What a run publishes; nobody needs to know who reads it.

Importing this package loads no event; a class loads its module when it is first used, since most programs meet few of
them and a class is dear to make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.events.base import BaseEvent as BaseEvent
    from harness.events.feedback import (
        FlowInputReceivedEvent as FlowInputReceivedEvent,
        FlowInputRequestedEvent as FlowInputRequestedEvent,
        HumanFeedbackReceivedEvent as HumanFeedbackReceivedEvent,
        HumanFeedbackRequestedEvent as HumanFeedbackRequestedEvent,
    )
    from harness.events.flow import (
        FlowCreatedEvent as FlowCreatedEvent,
        FlowEvent as FlowEvent,
        FlowFailedEvent as FlowFailedEvent,
        FlowFinishedEvent as FlowFinishedEvent,
        FlowPausedEvent as FlowPausedEvent,
        FlowPlotEvent as FlowPlotEvent,
        FlowStartedEvent as FlowStartedEvent,
        MethodEvent as MethodEvent,
        MethodExecutionFailedEvent as MethodExecutionFailedEvent,
        MethodExecutionFinishedEvent as MethodExecutionFinishedEvent,
        MethodExecutionPausedEvent as MethodExecutionPausedEvent,
        MethodExecutionStartedEvent as MethodExecutionStartedEvent,
    )
    from harness.events.fragments import FunctionCall as FunctionCall, ToolCallFragment as ToolCallFragment
    from harness.events.lifecycle import (
        AgentExecutionCompletedEvent as AgentExecutionCompletedEvent,
        AgentExecutionErrorEvent as AgentExecutionErrorEvent,
        AgentExecutionStartedEvent as AgentExecutionStartedEvent,
        CheckpointCompletedEvent as CheckpointCompletedEvent,
        CheckpointEvent as CheckpointEvent,
        CheckpointFailedEvent as CheckpointFailedEvent,
        CheckpointForkCompletedEvent as CheckpointForkCompletedEvent,
        CheckpointForkStartedEvent as CheckpointForkStartedEvent,
        CheckpointPrunedEvent as CheckpointPrunedEvent,
        CheckpointRestoreCompletedEvent as CheckpointRestoreCompletedEvent,
        CheckpointRestoreFailedEvent as CheckpointRestoreFailedEvent,
        CheckpointRestoreStartedEvent as CheckpointRestoreStartedEvent,
        CheckpointStartedEvent as CheckpointStartedEvent,
        CrewKickoffCompletedEvent as CrewKickoffCompletedEvent,
        CrewKickoffFailedEvent as CrewKickoffFailedEvent,
        CrewKickoffStartedEvent as CrewKickoffStartedEvent,
        LLMGuardrailCompletedEvent as LLMGuardrailCompletedEvent,
        LLMGuardrailStartedEvent as LLMGuardrailStartedEvent,
        TaskCompletedEvent as TaskCompletedEvent,
        TaskFailedEvent as TaskFailedEvent,
        TaskStartedEvent as TaskStartedEvent,
    )
    from harness.events.llm import (
        CallType as CallType,
        LLMCallCompletedEvent as LLMCallCompletedEvent,
        LLMCallFailedEvent as LLMCallFailedEvent,
        LLMCallStartedEvent as LLMCallStartedEvent,
        LLMCallType as LLMCallType,
        LLMEvent as LLMEvent,
        LLMStreamChunkEvent as LLMStreamChunkEvent,
        LLMThinkingChunkEvent as LLMThinkingChunkEvent,
        ToolCall as ToolCall,
    )
    from harness.events.tools import (
        ToolExecutionErrorEvent as ToolExecutionErrorEvent,
        ToolFailureDetectedEvent as ToolFailureDetectedEvent,
        ToolSelectionErrorEvent as ToolSelectionErrorEvent,
        ToolUsageErrorEvent as ToolUsageErrorEvent,
        ToolUsageEvent as ToolUsageEvent,
        ToolUsageFinishedEvent as ToolUsageFinishedEvent,
        ToolUsageStartedEvent as ToolUsageStartedEvent,
        ToolValidateInputErrorEvent as ToolValidateInputErrorEvent,
    )
    from harness.events.turn import (
        ConversationMessageAddedEvent as ConversationMessageAddedEvent,
        ConversationRouteSelectedEvent as ConversationRouteSelectedEvent,
        ConversationTurnCompletedEvent as ConversationTurnCompletedEvent,
        ConversationTurnFailedEvent as ConversationTurnFailedEvent,
        ConversationTurnStartedEvent as ConversationTurnStartedEvent,
    )
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "harness.events.base": "BaseEvent",
            "harness.events.feedback": """
                FlowInputRequestedEvent FlowInputReceivedEvent HumanFeedbackRequestedEvent
                HumanFeedbackReceivedEvent
            """,
            "harness.events.fragments": "FunctionCall ToolCallFragment",
            "harness.events.flow": """
                FlowCreatedEvent FlowEvent FlowFailedEvent FlowFinishedEvent FlowPausedEvent FlowPlotEvent
                FlowStartedEvent MethodEvent MethodExecutionFailedEvent MethodExecutionFinishedEvent
                MethodExecutionPausedEvent MethodExecutionStartedEvent
            """,
            "harness.events.turn": """
                ConversationTurnStartedEvent ConversationTurnCompletedEvent ConversationTurnFailedEvent
                ConversationRouteSelectedEvent ConversationMessageAddedEvent
            """,
            "harness.events.lifecycle": """
                AgentExecutionCompletedEvent AgentExecutionErrorEvent AgentExecutionStartedEvent
                CheckpointCompletedEvent CheckpointEvent CheckpointFailedEvent CheckpointForkCompletedEvent
                CheckpointForkStartedEvent CheckpointPrunedEvent CheckpointRestoreCompletedEvent
                CheckpointRestoreFailedEvent CheckpointRestoreStartedEvent CheckpointStartedEvent
                CrewKickoffCompletedEvent CrewKickoffFailedEvent CrewKickoffStartedEvent LLMGuardrailCompletedEvent
                LLMGuardrailStartedEvent TaskCompletedEvent TaskFailedEvent TaskStartedEvent
            """,
            "harness.events.llm": """
                CallType LLMCallCompletedEvent LLMCallFailedEvent LLMCallStartedEvent LLMEvent
                LLMCallType LLMStreamChunkEvent LLMThinkingChunkEvent ToolCall
            """,
            "harness.events.tools": """
                ToolExecutionErrorEvent ToolFailureDetectedEvent ToolSelectionErrorEvent ToolUsageErrorEvent
                ToolUsageEvent ToolUsageFinishedEvent ToolUsageStartedEvent ToolValidateInputErrorEvent
            """,
        },
    )
