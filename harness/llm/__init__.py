"""LLMs: calls to models, what they are made of, and the base for integrations of one's own."""

from __future__ import annotations

from harness.llm.base import BaseLLM
from harness.llm.connections import end_aiohttp_with_runs, end_urllib3_with_runs, end_with_run
from harness.llm.credentials import no_credentials_needed
from harness.llm.input.messages import Message, ToolDefinition
from harness.llm.input.unsent import UnsentFieldWarning
from harness.llm.llm import LLM
from harness.llm.output.parts import (
    Finish,
    Part,
    RequestId,
    ResponseStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from harness.llm.output.usage import UsageMetrics
from harness.llm.overrides import call_stop_override, call_stream_override
from harness.llm.parameters.names import UnknownParameterWarning
from harness.llm.recorded import RecordedCall
from harness.llm.request import LLMRequest
from harness.llm.tool_use import ToolCallFailed

__all__ = [
    "LLM",
    "BaseLLM",
    "Finish",
    "LLMRequest",
    "Message",
    "Part",
    "RecordedCall",
    "RequestId",
    "ResponseStarted",
    "TextDelta",
    "ThinkingDelta",
    "ToolCallDelta",
    "ToolCallFailed",
    "ToolDefinition",
    "UnknownParameterWarning",
    "UnsentFieldWarning",
    "Usage",
    "UsageMetrics",
    "call_stop_override",
    "call_stream_override",
    "end_aiohttp_with_runs",
    "end_urllib3_with_runs",
    "end_with_run",
    "no_credentials_needed",
]
