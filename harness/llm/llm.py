"""`LLM("provider/model")`: the integration is found in the registry and imported only when it is used."""

from __future__ import annotations

import importlib
from typing import Any, Self

from harness.llm.base import BaseLLM


class LLM(BaseLLM):
    """An LLM by the name of its provider and model, as in `openai/gpt-4o-mini`, or by a bare model name.

    `LLM(...)` makes an instance of the provider's integration, which is a subclass; that of another package need only be a
    `BaseLLM`.

    Raises:
        UsageError: no provider is known by that name, or none can be told from a bare one.
    """

    def __new__(cls, model: str = "", *args: Any, **settings: Any) -> Self:
        if cls is not LLM:
            return super().__new__(cls)
        provider, name = _registry().split_model(model)
        found = _registry().integration(provider)
        # What others integrate need not know of this class; then Python does not initialise what is returned.
        return super().__new__(found) if issubclass(found, LLM) else found(name, *args, **settings)  # type: ignore[no-any-return]

    def __init__(self, model: str, *args: Any, **settings: Any) -> None:
        super().__init__(_registry().split_model(model)[1], *args, **settings)


def _registry() -> Any:
    """Return the registry, by its name: its rows name subclasses of `LLM`, so it stands above this module."""
    return importlib.import_module("harness.providers.registry")
