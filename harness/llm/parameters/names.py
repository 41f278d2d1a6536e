"""What an LLM is given beside the settings that all have: another name of one, or a field of the provider's own request."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any, Final

from harness.errors import UsageError

#: Names in bodies of providers that look like a setting which they are not.
_NO_TYPOS: Final = frozenset({"fallbacks", "models", "reasoning_format", "speed", "stream_options", "top_a"})
#: How alike an unknown name and a setting are where one was probably meant to be the other.
_NEAR: Final = 0.85


class UnknownParameterWarning(UserWarning):
    """A parameter that no LLM has, and that reads nearly as one that all have. It goes into the request as it is."""


def additional_params(owner: str, options: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return those of `options` that were given a value: fields of the provider's own request.

    Warns:
        UnknownParameterWarning: one reads nearly as a setting that all have.
    """
    params = {name: value for name, value in options.items() if value is not None}
    for name in params:
        import difflib  # only for names that are unknown

        near = [] if name in _NO_TYPOS else difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)
        if near:
            warnings.warn(
                f"{owner} has no parameter {name!r}, and sends it to the provider as it is; did you mean {near[0]!r}? "
                f"What is meant for the provider can be given as additional_params={{{name!r}: …}}",
                UnknownParameterWarning,
                stacklevel=4,
            )
    return params


def sole_value(owner: str, **names: Any) -> Any:
    """Return the one value among several names of one setting. Raises UsageError where two say different things."""
    settings = {name: value for name, value in names.items() if value is not None}
    if len({repr(value) for value in settings.values()}) > 1:
        values = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        raise UsageError(
            f"{owner}: {' and '.join(settings)} are one setting, and say different things ({values}); give one"
        )
    return next(iter(settings.values()), None)


def words(name: str, value: Any) -> list[str]:
    """Return stop words as a list: of one word, of several, or of None. Raises UsageError for anything else."""
    if value is None:
        return []
    found = [value] if isinstance(value, str) else list(value) if isinstance(value, Collection) else None
    if found is None or isinstance(value, Mapping | bytes) or not all(isinstance(word, str) for word in found):
        raise UsageError(f"{name} is {value!r}; expected a word, a list of words, or None")
    return found
