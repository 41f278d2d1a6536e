"""What the recordings through litellm are recordings of: OpenAI's and DeepSeek's chat completions, by its names."""

from __future__ import annotations

from typing import Final

from harness.shipped.question import Question, ShippedProvider
from harness.shipped.table import COMMON

LITELLM: Final = ShippedProvider(
    "litellm/openai/gpt-4o-mini",
    "litellm/openai/gpt-0-lighthouse",
    {**COMMON, "thinking": Question("Ship or lighthouse: who turns?", model="litellm/deepseek/deepseek-reasoner")},
    {"max_retries": 0},
)
litellm: Final = LITELLM.targets()
