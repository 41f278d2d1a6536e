"""LLMs as they are given: by name, by settings, or as objects of whatever class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError
from harness.llm.llm import LLM


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
