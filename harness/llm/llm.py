"""`LLM("provider/model")`: the integration is found by name in a table and imported only when it is used."""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import Any, Final, Self

from harness.errors import UsageError
from harness.llm.base import BaseLLM

#: Hosts that speak OpenAI's chat completions; where they are stands with their integration.
_HOSTS: Final = (
    "cerebras",
    "dashscope",
    "deepseek",
    "fireworks_ai",
    "groq",
    "hosted_vllm",
    "lm_studio",
    "ollama",
    "ollama_chat",
    "openrouter",
    "together_ai",
    "xai",
)
#: Provider name in a model string → the module and class of its integration.
PROVIDERS: Final[dict[str, tuple[str, str]]] = {
    "openai": ("harness.providers.openai.chat", "OpenAIChat"),
    "azure": ("harness.providers.azure.model", "AzureChat"),
    "azure-responses": ("harness.providers.azure.responses", "AzureResponses"),
    "openai-responses": ("harness.providers.openai.responses", "OpenAIResponses"),
    "anthropic": ("harness.providers.anthropic.model", "Anthropic"),
    "bedrock": ("harness.providers.bedrock.model", "Bedrock"),
    "gemini": ("harness.providers.gemini.model", "Gemini"),
    "google": ("harness.providers.gemini.model", "Gemini"),
    "vertex_ai": ("harness.providers.gemini.model", "VertexAI"),
    **dict.fromkeys(_HOSTS, ("harness.providers.openai.compatible", "OpenAICompatible")),
    "litellm": ("harness.providers.litellm.model", "LiteLLM"),
}
#: What reaches every provider that has no row, where it is installed.
_FALLBACK: Final = "litellm"
#: What bare model names look like, by provider.
_BARE_NAMES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("openai", re.compile(r"(gpt-|chatgpt-|o\d|ft:(gpt-|o\d))")),
    ("anthropic", re.compile(r"claude-")),
    ("gemini", re.compile(r"gemini-")),
)


class LLM(BaseLLM):
    """An LLM by the name of its provider and model, as in `openai/gpt-4o-mini`, or by a bare model name.

    `LLM(...)` makes an instance of the provider's integration, which is a subclass.

    Raises:
        UsageError: no provider is known by that name, or none can be told from a bare one.
    """

    def __new__(cls, model: str = "", *args: Any, **settings: Any) -> Self:
        if cls is not LLM:
            return super().__new__(cls)
        provider, _ = split_model(model)
        return super().__new__(integration(provider))  # type: ignore[return-value]

    def __init__(self, model: str, *args: Any, **settings: Any) -> None:
        super().__init__(split_model(model)[1], *args, **settings)


def split_model(model: str) -> tuple[str, str]:
    """Return the provider and the name that the provider knows the model by. Raises UsageError where unclear."""
    provider, slash, name = model.partition("/")
    if slash and name and provider in PROVIDERS:
        return provider, name
    bare = None if slash else next((known for known, pattern in _BARE_NAMES if pattern.match(model)), None)
    if bare in PROVIDERS:
        return bare, model
    named = bare or (provider if name else None)
    if name and importlib.util.find_spec(_FALLBACK) is not None:
        return _FALLBACK, model
    known = ", ".join(f"{name}/…" for name in PROVIDERS)
    if named:
        raise UsageError(
            f"model {model!r}: there is no integration for the provider {named!r}; there is {known}; "
            "many others are reached with pip install 'stream-harness[litellm]'"
        )
    raise UsageError(f"model {model!r}: no provider can be told from it; write it as provider/model ({known})")


def integration(provider: str) -> type[LLM]:
    """Return the class that speaks to `provider`, importing its module."""
    module, name = PROVIDERS[provider]
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
