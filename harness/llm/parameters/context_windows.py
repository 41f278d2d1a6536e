"""How many tokens fit into a request and its answer, by model.

Sources, read in 2026-11: https://platform.openai.com/docs/models, https://platform.claude.com/docs/en/about-claude/models,
https://ai.google.dev/gemini-api/docs/models, https://docs.aws.amazon.com/nova/latest/userguide/what-is-nova.html,
https://docs.mistral.ai/getting-started/models, https://api-docs.deepseek.com/quick_start/pricing,
https://docs.x.ai/docs/models, https://console.groq.com/docs/models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: What is assumed of a model that is not below.
UNKNOWN: Final = 8_192
#: The part of a window that a request may fill, in percent.
_USABLE_PERCENT: Final = 85
#: The windows of models, by how their own names begin, without the prefixes of providers, regions and makers.
_BEGINNINGS: Final[Mapping[int, str]] = MappingProxyType(
    {
        4_096: "titan-text-lite",
        8_192: "gpt-4 gemma titan-text-express llama3 llama-3",
        16_385: "gpt-3.5",
        32_760: "gemini-1.0 gemini-pro",
        32_768: "gpt-4-32k mistral mixtral qwen2.5 qwen-max",
        100_000: "claude-instant claude-v2 claude-2.0",
        128_000: "gpt-4-turbo gpt-4o chatgpt-4o gpt-4.5 gpt-5-chat o1-mini o1-preview nova-micro command-r",
        131_072: (
            "gpt-oss gemma-3 llama3.1 llama-3.1 llama3-1 llama3.2 llama-3.2 llama3-2 llama3.3 llama-3.3 llama3-3 "
            "llama-4 mistral-large mistral-medium mistral-small mistral-nemo ministral pixtral deepseek grok-2 "
            "grok-3 qwen3 qwen-plus"
        ),
        200_000: "o1 o3 o4 claude",
        256_000: "command-a jamba",
        262_144: "codestral grok-4 kimi-k2",
        300_000: "nova-lite nova-pro",
        400_000: "gpt-5 gpt-6",
        1_000_000: "nova-premier qwen-turbo",
        1_047_576: "gpt-4.1",
        1_048_576: "gemini",
        2_097_152: "gemini-1.5-pro",
    }
)
#: The longest beginning that fits a name decides.
_WINDOWS: Final = {name: window for window, names in _BEGINNINGS.items() for name in names.split()}
#: The makers and regions that names of models begin with: `us.anthropic.claude-…`, `meta-llama/llama-3.1-…`.
_MAKERS: Final = re.compile(
    r"^(?:.*/)?(?:(?:us|eu|ap|apac|au|jp|us-gov|global)\.)?"
    r"(?:(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|google)\.)?(?:amazon\.)?(?:ft:)?"
)


def window_of(model: str) -> int:
    """Return the tokens that fit into a request to a model and its answer; a careful number for one that is not known."""
    name = _MAKERS.sub("", model.lower())
    fitting = [beginning for beginning in _WINDOWS if name.startswith(beginning)]
    return _WINDOWS[max(fitting, key=len)] if fitting else UNKNOWN


def usable_window(model: str) -> int:
    """Return the part of a model's window that a request may fill."""
    return window_of(model) * _USABLE_PERCENT // 100
