"""What kinds of values settings of an LLM are, where another kind would be told late or not at all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from harness.errors import UsageError
from harness.validation import first_fault


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


#: Setting → its type, or whether a value is of its kind, and what that is. What providers judge themselves is left to them.
_KINDS: Final[Mapping[str, tuple[type | Callable[[Any], bool], str]]] = MappingProxyType(
    {
        "model": (str, "the name of a model"),
        "base_url": (str, "an address, such as 'http://127.0.0.1:8080/v1'"),
        "timeout": (
            # SDKs have objects of their own for it.
            lambda value: not isinstance(value, str | bool) and not (isinstance(value, int | float) and value <= 0),
            "a number of seconds above 0",
        ),
        "max_retries": (lambda value: isinstance(value, int) and value >= 0, "a whole number of at least 0"),
        "response_format": (
            lambda value: isinstance(value, Mapping) or _is_model(value),
            "a pydantic model's class or a dict",
        ),
        "client_params": (Mapping, "a dict"),
        "default_headers": (Mapping, "a dict of header fields"),
        "additional_params": (Mapping, "a dict of fields of the request"),
        "response_model": (_is_model, "a pydantic model's class"),
        "available_functions": (Mapping, "a dict of functions by their names"),
    }
)

#: Setting → what it is, where that is a number or a flag.
NUMBERS_AND_FLAGS: Final[Mapping[str, type]] = MappingProxyType(
    {"temperature": float, "top_p": float, "top_k": int, "max_tokens": int, "stream": bool, "seed": int}
    | {"frequency_penalty": float, "presence_penalty": float, "n": int, "timeout": float, "max_retries": int}
    | {"logprobs": bool, "top_logprobs": int}
)


def plain_settings(owner: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the numbers and flags that came as text, as an environment has them, and a `stream` of 0 or 1.

    Raises:
        UsageError: the text reads as none.
    """
    return {
        name: _read(f"{name} of {owner}", value, NUMBERS_AND_FLAGS[name])
        if is_read(name, value) or (name == "stream" and value is not None)
        else value
        for name, value in values.items()
    }


def is_read(name: str, value: Any) -> bool:
    """Return whether a setting becomes another value than it was given as: a number or a flag that came as text."""
    return isinstance(value, str) and name in NUMBERS_AND_FLAGS


def _read(label: str, value: Any, kind: type) -> Any:
    try:
        return _reader(kind).validate_python(value)
    except ValidationError as error:
        raise UsageError(first_fault(error, label)) from error


@functools.cache
def _reader(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def check_kinds(owner: str, values: Mapping[str, Any]) -> None:
    """Raise UsageError for a value that is of another kind than its setting; None is of any."""
    for name, value in values.items():
        if value is not None and name in _KINDS:
            fits, expected = _KINDS[name]
            if not (isinstance(value, fits) if isinstance(fits, type) else fits(value)):
                raise UsageError(f"{name} of {owner}: expected {expected}, not {value!r}")
