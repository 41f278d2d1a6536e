"""The table's targets by name: `harness.shipped.targets:openai.text` starts the scenario `text` of OpenAI."""

from __future__ import annotations

from types import SimpleNamespace

from harness.shipped.table import PROVIDERS


def __getattr__(provider: str) -> SimpleNamespace:
    if provider not in PROVIDERS:
        raise AttributeError(f"module {__name__!r} has no provider {provider!r}; there are {', '.join(PROVIDERS)}")
    return PROVIDERS[provider].targets()


def target_name(provider: str, scenario: str) -> str:
    """Return the name by which a recording names its target."""
    return f"{__name__}:{provider}.{scenario}"
