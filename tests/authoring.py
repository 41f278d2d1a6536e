"""Makes the shipped recordings anew: `python -m tests.authoring [PROVIDER …]`.

Each target of `cassettes/<provider>/targets.py` is recorded through `harness record` from the loopback server that
speaks the provider's documented wire format and imports nothing from `harness`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.servers.anthropic import AnthropicServer
from tests.servers.azure import AzureServer
from tests.servers.bedrock import BedrockServer
from tests.servers.openai_chat import OpenAIChatServer
from tests.servers.openai_responses import OpenAIResponsesServer
from tests.servers.wire_server import WireServer

CASSETTES = Path(__file__).parents[1] / "cassettes"
#: Provider → its server, and its targets by the folder that each is recorded in.
AUTHORED: dict[str, tuple[type[WireServer], dict[str, str]]] = {
    "anthropic": (
        AnthropicServer,
        {
            "text": "text",
            "async_text": "async_text",
            "tool_call": "one_tool",
            "parallel_tool_calls": "parallel_tools",
            "tool_results": "tool_results",
            "thinking": "thinking",
            "redacted_thinking": "redacted_thinking",
            "structured_output": "structured_output",
            "cache_usage": "cache_usage",
            "length_limited": "length_limited",
            "not_streamed": "WholeAnswer",
            "http_error": "http_error",
            "stream_error": "stream_error",
            "truncated": "truncated",
        },
    ),
    "bedrock": (
        BedrockServer,
        {
            "text": "text",
            "async_text": "async_text",
            "tool_call": "one_tool",
            "parallel_tool_calls": "parallel_tools",
            "tool_results": "tool_results",
            "thinking": "thinking",
            "redacted_thinking": "redacted_thinking",
            "structured_output": "structured_output",
            "cache_usage": "cache_usage",
            "length_limited": "length_limited",
            "not_streamed": "WholeAnswer",
            "http_error": "http_error",
            "stream_error": "stream_error",
            "truncated": "truncated",
        },
    ),
    "azure": (
        AzureServer,
        {
            "text": "text",
            "async_text": "async_text",
            "tool_call": "one_tool",
            "parallel_tool_calls": "parallel_tools",
            "structured_output": "structured_output",
            "length_limited": "length_limited",
            "not_streamed": "WholeAnswer",
            "responses": "responses",
            "http_error": "http_error",
            "stream_error": "stream_error",
            "truncated": "truncated",
        },
    ),
    "openai": (
        OpenAIChatServer,
        {
            "text": "text",
            "tool_call": "one_tool",
            "parallel_tool_calls": "parallel_tools",
            "structured_output": "structured_output",
            "length_limited": "length_limited",
            "http_error": "http_error",
            "truncated": "truncated",
            "stream_error": "stream_error",
            "async_text": "async_text",
            "not_streamed": "WholeAnswer",
            "two_step_flow": "StoryFlow",
        },
    ),
    "openai_responses": (
        OpenAIResponsesServer,
        {
            "text": "text",
            "async_text": "async_text",
            "thinking": "thinking",
            "tool_call": "one_tool",
            "parallel_tool_calls": "parallel_tools",
            "tool_results": "tool_results",
            "text_and_tool": "text_and_tool",
            "web_search": "web_search",
            "structured_output": "structured_output",
            "length_limited": "length_limited",
            "chained": "ChainFlow",
            "http_error": "http_error",
            "stream_error": "stream_error",
            "truncated": "truncated",
        },
    ),
}


def record(provider: str) -> None:
    """Record all targets of one provider, in place of what stands."""
    server, targets = AUTHORED[provider]
    for folder, target in targets.items():
        # A fresh server each, so that its ids do not depend on what was recorded before.
        with server() as running:
            command = ["record", f"cassettes.{provider}.targets:{target}", "--mode", "all", "--origin", "authored"]
            where = ["--base-url", running.origin, "-o", str(CASSETTES / provider / folder)]
            # 1 is a run that failed as it was meant to, such as a truncated stream.
            code = subprocess.run([sys.executable, "-m", "cli", *command, *where], check=False).returncode
            if code not in (0, 1):
                raise SystemExit(f"{target}: harness record ended with {code}")


if __name__ == "__main__":
    for name in sys.argv[1:] or AUTHORED:
        record(name)
