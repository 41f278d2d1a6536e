"""`LLM("provider/model")`: the integration is found in the registry and imported only when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Self

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.parameters.kinds import check_kinds


class LLM(BaseLLM):
    """An LLM by the name of its provider and model, as in `openai/gpt-4o-mini`, or by a bare model name.

    `LLM(...)` makes an instance of the provider's integration, which is a subclass; that of another package need only be a
    `BaseLLM`. `provider` names the provider apart from the model, `api="responses"` asks OpenAI and Azure by their
    Responses API, `is_litellm=True` asks any provider through litellm, and `custom_openai=True` a host of OpenAI's format at
    `base_url`, which knows the model by its whole name.

    Raises:
        UsageError: no provider is known by that name, none can be told from a bare one, or a setting is another
            provider's.
    """

    def __new__(cls, model: str | None = "", *args: Any, **settings: Any) -> Self:
        if cls is not LLM:
            return super().__new__(cls)
        if model is None:
            raise UsageError("LLM needs the name of a model, such as model='openai/gpt-4o-mini', and was given None")
        check_kinds("LLM", {"model": model})
        which = {name: settings.pop(name, None) for name in ("provider", "api", "is_litellm", "custom_openai")}
        named, name = _registry().split_model(model, **which)
        found = _registry().integration(named)
        # What others integrate need not know of this class; then Python does not initialise what is returned.
        return super().__new__(found) if issubclass(found, LLM) else found(name, *args, **settings)  # type: ignore[no-any-return]

    def __init__(
        self,
        model: str | None = "",
        *args: Any,
        provider: str | None = None,
        api: str | None = None,
        is_litellm: bool | None = None,
        custom_openai: bool | None = None,
        **settings: Any,
    ) -> None:
        try:
            named, name = _registry().split_model(model or "", provider, api, is_litellm, custom_openai)
        except UsageError:
            # An integration that was chosen by its class is asked for whatever name it is given, or has.
            named, name = self.provider, model or None
        _registry().refuse_foreign(named, settings)
        #: The provider's name in the model string.
        self._llm_prefix = named
        super().__init__(name, *args, **settings)


def model_of(reference: Any) -> Any:
    """Return the LLM that is given: by its name, by its settings, or as it is.

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(reference, str):
        return LLM(reference)
    if isinstance(reference, Mapping):
        settings = {str(name): value for name, value in reference.items()}
        return LLM(settings.pop("model", ""), **settings)
    if callable(getattr(reference, "call", None)) and not isinstance(reference, type):
        return reference
    raise UsageError(
        f"an llm is 'provider/model', a dict of settings with a 'model', or an object with call(), not {reference!r}"
    )


def _registry() -> Any:
    """Return the registry, by its name: its rows name subclasses of `LLM`, so it stands above this module."""
    return importlib.import_module("harness.providers.registry")
