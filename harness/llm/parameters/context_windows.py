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
#: By the longest beginning that fits a model's own name, without the prefixes of providers, regions and makers.
_WINDOWS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "gpt-3.5": 16_385,
        "gpt-4": 8_192,
        "gpt-4-32k": 32_768,
        "gpt-4-turbo": 128_000,
        "gpt-4o": 128_000,
        "chatgpt-4o": 128_000,
        "gpt-4.1": 1_047_576,
        "gpt-4.5": 128_000,
        "gpt-5": 400_000,
        "gpt-5-chat": 128_000,
        "gpt-6": 400_000,
        "gpt-oss": 131_072,
        "o1": 200_000,
        "o1-mini": 128_000,
        "o1-preview": 128_000,
        "o3": 200_000,
        "o4": 200_000,
        "claude": 200_000,
        "claude-instant": 100_000,
        "claude-v2": 100_000,
        "claude-2.0": 100_000,
        "gemini": 1_048_576,
        "gemini-1.5-pro": 2_097_152,
        "gemini-1.0": 32_760,
        "gemini-pro": 32_760,
        "gemma": 8_192,
        "gemma-3": 131_072,
        "nova-micro": 128_000,
        "nova-lite": 300_000,
        "nova-pro": 300_000,
        "nova-premier": 1_000_000,
        "titan-text-express": 8_192,
        "titan-text-lite": 4_096,
        "command-r": 128_000,
        "command-a": 256_000,
        "jamba": 256_000,
        "llama3": 8_192,
        "llama-3": 8_192,
        "llama3.1": 131_072,
        "llama-3.1": 131_072,
        "llama3-1": 131_072,
        "llama3.2": 131_072,
        "llama-3.2": 131_072,
        "llama3-2": 131_072,
        "llama3.3": 131_072,
        "llama-3.3": 131_072,
        "llama3-3": 131_072,
        "llama-4": 131_072,
        "mistral": 32_768,
        "mistral-large": 131_072,
        "mistral-medium": 131_072,
        "mistral-small": 131_072,
        "mistral-nemo": 131_072,
        "mixtral": 32_768,
        "ministral": 131_072,
        "codestral": 262_144,
        "pixtral": 131_072,
        "deepseek": 131_072,
        "grok-2": 131_072,
        "grok-3": 131_072,
        "grok-4": 262_144,
        "qwen2.5": 32_768,
        "qwen3": 131_072,
        "qwen-max": 32_768,
        "qwen-plus": 131_072,
        "qwen-turbo": 1_000_000,
        "kimi-k2": 262_144,
    }
)
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
