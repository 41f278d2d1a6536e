"""Ordered frame streams for LLM agents: flows, direct LLM calls, and the sessions through which they are read."""

from __future__ import annotations

from harness.bus import BaseEventListener, EventBus, add_stream_sink, event_bus, reset_stream_sinks
from harness.errors import (
    ConformanceError,
    HarnessError,
    ProviderError,
    RecordingError,
    RunCancelled,
    UsageError,
)
from harness.events import BaseEvent
from harness.flow import Flow, and_, listen, or_, router, start
from harness.frames import StreamFrame
from harness.legacy import StreamChunk, StreamChunkType, ToolCallChunk, stream_frame_to_chunk
from harness.llm import LLM, BaseLLM, UsageMetrics, call_stop_override, call_stream_override
from harness.session import AsyncStreamSession, StreamSession

__all__ = [
    "LLM",
    "AsyncStreamSession",
    "BaseEvent",
    "BaseEventListener",
    "BaseLLM",
    "ConformanceError",
    "EventBus",
    "Flow",
    "HarnessError",
    "ProviderError",
    "RecordingError",
    "RunCancelled",
    "StreamChunk",
    "StreamChunkType",
    "StreamFrame",
    "StreamSession",
    "ToolCallChunk",
    "UsageError",
    "UsageMetrics",
    "add_stream_sink",
    "and_",
    "call_stop_override",
    "call_stream_override",
    "event_bus",
    "listen",
    "or_",
    "reset_stream_sinks",
    "router",
    "start",
    "stream_frame_to_chunk",
]
