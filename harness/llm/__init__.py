"""LLMs: calls to models, what they are made of, and the base for integrations of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM as BaseLLM
    from harness.llm.connections import (
        end_aiohttp_with_runs as end_aiohttp_with_runs,
        end_urllib3_with_runs as end_urllib3_with_runs,
        end_with_run as end_with_run,
    )
    from harness.llm.credentials import no_credentials_needed as no_credentials_needed
    from harness.llm.input.messages import Message as Message, ToolDefinition as ToolDefinition
    from harness.llm.input.unsent_fields import UnsentFieldWarning as UnsentFieldWarning
    from harness.llm.llm import LLM as LLM
    from harness.llm.output.parts import (
        Finish as Finish,
        Part as Part,
        RequestId as RequestId,
        ResponseStarted as ResponseStarted,
        TextDelta as TextDelta,
        ThinkingDelta as ThinkingDelta,
        ToolCallDelta as ToolCallDelta,
        Usage as Usage,
    )
    from harness.llm.output.usage import UsageMetrics as UsageMetrics
    from harness.llm.overrides import (
        call_stop_override as call_stop_override,
        call_stream_override as call_stream_override,
    )
    from harness.llm.parameters.names import UnknownParameterWarning as UnknownParameterWarning
    from harness.llm.recorded import RecordedCall as RecordedCall
    from harness.llm.request import LLMRequest as LLMRequest
    from harness.llm.tool_use import ToolCallFailed as ToolCallFailed
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "harness.llm.base": "BaseLLM",
            "harness.llm.connections": "end_aiohttp_with_runs end_urllib3_with_runs end_with_run",
            "harness.llm.credentials": "no_credentials_needed",
            "harness.llm.input.messages": "Message ToolDefinition",
            "harness.llm.input.unsent_fields": "UnsentFieldWarning",
            "harness.llm.llm": "LLM",
            "harness.llm.output.parts": """
                Finish Part RequestId ResponseStarted TextDelta ThinkingDelta ToolCallDelta Usage
            """,
            "harness.llm.output.usage": "UsageMetrics",
            "harness.llm.overrides": "call_stop_override call_stream_override",
            "harness.llm.parameters.names": "UnknownParameterWarning",
            "harness.llm.recorded": "RecordedCall",
            "harness.llm.request": "LLMRequest",
            "harness.llm.tool_use": "ToolCallFailed",
        },
    )
