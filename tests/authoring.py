"""Makes the shipped recordings anew: `python -m tests.authoring [PROVIDER …]`.

Each target of `harness/shipped/table.py` is recorded through `harness record` from the loopback server that speaks the
provider's documented wire format and imports nothing from `harness`. Those of `litellm`, which needs an environment of
its own, and those of `examples` are made only where they are named.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from examples.chat_with_routes import TURNS
from harness.shipped import shipped_folder
from harness.shipped.table import PROVIDERS
from harness.shipped.targets import target_name
from tests.examples.scenarios import ExamplesServer
from tests.litellm.targets import LITELLM
from tests.servers.anthropic.server import AnthropicServer
from tests.servers.anthropic.vertex import VertexAnthropicServer
from tests.servers.azure.server import AzureServer
from tests.servers.bedrock.invoke import BedrockInvokeServer
from tests.servers.bedrock.server import BedrockServer
from tests.servers.cohere.v1 import CohereServer
from tests.servers.cohere.v2 import CohereV2Server
from tests.servers.gemini.server import GeminiServer
from tests.servers.ollama.server import OllamaServer
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.compatible import DeepSeekServer, OpenRouterServer
from tests.servers.openai.completions import OpenAICompletionsServer
from tests.servers.openai.responses import OpenAIResponsesServer
from tests.servers.wire_server import WireServer

ROOT: Final = Path(__file__).parents[1]
#: Provider → the server that answers for it.
_SERVERS: Final[Mapping[str, type[WireServer]]] = {
    "anthropic": AnthropicServer,
    "azure": AzureServer,
    "bedrock": BedrockServer,
    "bedrock_invoke": BedrockInvokeServer,
    "cohere": CohereServer,
    "cohere_v2": CohereV2Server,
    "gemini": GeminiServer,
    "ollama": OllamaServer,
    "openai": OpenAIChatServer,
    "openai_compatible": OpenRouterServer,
    "openai_completions": OpenAICompletionsServer,
    "openai_responses": OpenAIResponsesServer,
    "vertex_anthropic": VertexAnthropicServer,
}
#: Scenarios that another host answers, as `<provider>/<scenario>`.
_ELSEWHERE: Final[Mapping[str, type[WireServer]]] = {
    "openai_compatible/deepseek_thinking": DeepSeekServer,
    "litellm/thinking": DeepSeekServer,
}


@dataclass(frozen=True)
class Authored:
    """A recording that a server of the tests answers."""

    #: What it is asked for by.
    provider: str
    target: str
    folder: Path
    server: type[WireServer]
    #: Messages of a conversation.
    turns: tuple[str, ...] = ()

    def record(self) -> None:
        """Record the target, in place of what stands."""
        # A fresh server each, so that its ids do not depend on what was recorded before.
        with self.server() as running:
            command = ["record", self.target, "--mode", "all", "--origin", "authored"]
            command += [option for turn in self.turns for option in ("--turn", turn)]
            where = ["--base-url", running.origin, "-o", str(self.folder)]
            # 1 is a run that failed as it was meant to, such as a truncated stream.
            code = subprocess.run([sys.executable, "-m", "harness", *command, *where], check=False, cwd=ROOT).returncode
            if code not in (0, 1):
                raise SystemExit(f"{self.target}: harness record ended with {code}")


SHIPPED: Final = tuple(
    Authored(
        provider,
        target_name(provider, scenario),
        shipped_folder() / provider / scenario,
        _ELSEWHERE.get(f"{provider}/{scenario}", _SERVERS[provider]),
    )
    for provider, row in PROVIDERS.items()
    for scenario in row.programs
)
OF_LITELLM: Final = tuple(
    Authored(
        "litellm",
        f"tests.litellm.targets:litellm.{scenario}",
        ROOT / "tests" / "litellm" / "recordings" / scenario,
        _ELSEWHERE.get(f"litellm/{scenario}", OpenAIChatServer),
    )
    for scenario in LITELLM.programs
)
#: The recordings of `examples/`, by the names of their folders.
OF_EXAMPLES: Final = tuple(
    Authored("examples", f"examples.{target}", ROOT / "examples" / "recordings" / name, ExamplesServer, turns)
    for name, (target, turns) in {
        "report": ("report_flow:ReportFlow", ()),
        "pipeline": ("parallel_pipeline:PipelineFlow", ()),
        "approval": ("approval_flow:ApprovalFlow", ()),
        "chat": ("chat_with_routes:ChatWithRoutes", TURNS),
        "research": ("research_pipeline:ResearchFlow", ()),
        "dashboard": ("token_dashboard:crew", ()),
    }.items()
)


if __name__ == "__main__":
    for authored in (*SHIPPED, *OF_LITELLM, *OF_EXAMPLES):
        if authored.provider in sys.argv[1:] or (len(sys.argv) == 1 and authored in SHIPPED):
            authored.record()
