"""LLMs as they are given: by name, by settings, or as objects of whatever class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError
from harness.llm.llm import LLM


def model_of(given: Any) -> Any:
    """Return the LLM that is given: by its name, by its settings, or as it is.

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(given, str):
        return LLM(given)
    if isinstance(given, Mapping):
        settings = {str(name): value for name, value in given.items()}
        return LLM(settings.pop("model", ""), **settings)
    if callable(getattr(given, "call", None)):
        return given
    raise UsageError(
        f"an llm is 'provider/model', a dict of settings with a 'model', or an object with call(), not {given!r}"
    )
