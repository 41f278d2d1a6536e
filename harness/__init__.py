"""Ordered frame streams for LLM agents: flows, crews, direct LLM calls, and the sessions through which they are read.

Importing this package loads none of its modules but what does this: each public name loads its own when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.agents import Agent as Agent, LiteAgentOutput as LiteAgentOutput
    from harness.bus import (
        BaseEventListener as BaseEventListener,
        EventBus as EventBus,
        add_stream_sink as add_stream_sink,
        event_bus as event_bus,
        reset_stream_sinks as reset_stream_sinks,
    )
    from harness.crews import (
        Crew as Crew,
        CrewOutput as CrewOutput,
        CrewStreamingOutput as CrewStreamingOutput,
        FlowStreamingOutput as FlowStreamingOutput,
        Process as Process,
        Task as Task,
        TaskOutput as TaskOutput,
    )
    from harness.errors import (
        ConformanceError as ConformanceError,
        HarnessError as HarnessError,
        ProviderError as ProviderError,
        RecordingError as RecordingError,
        RunCancelled as RunCancelled,
        UsageError as UsageError,
    )
    from harness.events import BaseEvent as BaseEvent
    from harness.flow import (
        CheckpointConfig as CheckpointConfig,
        Flow as Flow,
        and_ as and_,
        human_feedback as human_feedback,
        listen as listen,
        or_ as or_,
        persist as persist,
        router as router,
        start as start,
    )
    from harness.frames import StreamFrame as StreamFrame
    from harness.frames.legacy import (
        StreamChunk as StreamChunk,
        StreamChunkType as StreamChunkType,
        ToolCallChunk as ToolCallChunk,
        stream_frame_to_chunk as stream_frame_to_chunk,
    )
    from harness.llm import (
        LLM as LLM,
        BaseLLM as BaseLLM,
        UsageMetrics as UsageMetrics,
        call_stop_override as call_stop_override,
        call_stream_override as call_stream_override,
    )
    from harness.session import AsyncStreamSession as AsyncStreamSession, StreamSession as StreamSession
    from harness.tools import BaseTool as BaseTool, tool as tool
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "harness.agents": "Agent LiteAgentOutput",
            "harness.bus": "BaseEventListener EventBus add_stream_sink event_bus reset_stream_sinks",
            "harness.crews": "Crew CrewOutput CrewStreamingOutput FlowStreamingOutput Process Task TaskOutput",
            "harness.errors": "ConformanceError HarnessError ProviderError RecordingError RunCancelled UsageError",
            "harness.events": "BaseEvent",
            "harness.flow": "CheckpointConfig Flow and_ human_feedback listen or_ persist router start",
            "harness.frames": "StreamFrame",
            "harness.frames.legacy": "StreamChunk StreamChunkType ToolCallChunk stream_frame_to_chunk",
            "harness.llm": "LLM BaseLLM UsageMetrics call_stop_override call_stream_override",
            "harness.session": "AsyncStreamSession StreamSession",
            "harness.tools": "BaseTool tool",
        },
    )
