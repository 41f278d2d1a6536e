"""Makes the shipped recordings anew: `python -m tests.authoring [PROVIDER …]`.

Each target of `cassettes/<provider>/targets.py` is recorded through `harness record` from the loopback server that
speaks the provider's documented wire format and imports nothing from `harness`. Those of `litellm`, which needs an
environment of its own, lie in `tests/litellm` and are made only where they are named.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.servers.anthropic import AnthropicServer
from tests.servers.azure import AzureServer
from tests.servers.bedrock import BedrockServer
from tests.servers.compatible import DeepSeekServer, OpenRouterServer
from tests.servers.gemini import GeminiServer
from tests.servers.openai_chat import OpenAIChatServer
from tests.servers.openai_responses import OpenAIResponsesServer
from tests.servers.wire_server import WireServer

ROOT = Path(__file__).parents[1]
#: What every provider has a recording of: the folder, and the target's name.
COMMON = {
    "text": "text",
    "async_text": "async_text",
    "tool_call": "one_tool",
    "parallel_tool_calls": "parallel_tools",
    "thinking": "thinking",
    "structured_output": "structured_output",
    "length_limited": "length_limited",
    "not_streamed": "WholeAnswer",
    "http_error": "http_error",
    "stream_error": "stream_error",
    "truncated": "truncated",
}
_NO_THINKING = {name: target for name, target in COMMON.items() if name != "thinking"}


@dataclass(frozen=True)
class Authored:
    """Recordings that one server answers."""

    #: The folder that holds the targets and the recordings' folders, and its module.
    folder: str
    server: type[WireServer]
    #: By the folder that each is recorded in.
    targets: dict[str, str]
    recordings: str = ""

    @property
    def name(self) -> str:
        return Path(self.folder).name

    def record(self) -> None:
        """Record all targets, in place of what stands."""
        for recorded_in, target in self.targets.items():
            # A fresh server each, so that its ids do not depend on what was recorded before.
            with self.server() as running:
                module = f"{self.folder.replace('/', '.')}.targets"
                command = ["record", f"{module}:{target}", "--mode", "all", "--origin", "authored"]
                out = ROOT / self.folder / self.recordings / recorded_in
                where = ["--base-url", running.origin, "-o", str(out)]
                # 1 is a run that failed as it was meant to, such as a truncated stream.
                code = subprocess.run([sys.executable, "-m", "harness", *command, *where], check=False).returncode
                if code not in (0, 1):
                    raise SystemExit(f"{target}: harness record ended with {code}")


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


SHIPPED = (
    Authored(
        "cassettes/anthropic",
        AnthropicServer,
        COMMON | _same("tool_results", "redacted_thinking", "cache_usage"),
    ),
    Authored(
        "cassettes/bedrock",
        BedrockServer,
        COMMON | _same("tool_results", "redacted_thinking", "cache_usage"),
    ),
    Authored(
        "cassettes/gemini",
        GeminiServer,
        COMMON | {"tool_results": "Conversation"} | _same("cache_usage", "vertex"),
    ),
    Authored("cassettes/azure", AzureServer, COMMON | _same("responses")),
    Authored("cassettes/openai", OpenAIChatServer, _NO_THINKING | {"two_step_flow": "StoryFlow"}),
    Authored("cassettes/openai_compatible", OpenRouterServer, COMMON),
    Authored("cassettes/openai_compatible", DeepSeekServer, _same("deepseek_thinking")),
    Authored(
        "cassettes/openai_responses",
        OpenAIResponsesServer,
        COMMON | {"chained": "ChainFlow"} | _same("tool_results", "text_and_tool", "web_search"),
    ),
)
OF_LITELLM = (
    Authored("tests/litellm", OpenAIChatServer, _NO_THINKING, "recordings"),
    Authored("tests/litellm", DeepSeekServer, _same("thinking"), "recordings"),
)


if __name__ == "__main__":
    for authored in (*SHIPPED, *OF_LITELLM):
        if authored.name in sys.argv[1:] or (len(sys.argv) == 1 and authored in SHIPPED):
            authored.record()
