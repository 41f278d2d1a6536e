"""Values of JSON by the type that they are to have. What is null or missing is empty; any other type is a ValueError.

A value of another type is never passed over: what it was to say would be lost without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: What reading raises of a value that has another shape than its provider documents, or is nested too deeply to be read.
OF_ANOTHER_SHAPE: Final = (AttributeError, LookupError, TypeError, ValueError, RecursionError)


def as_text(value: Any) -> str:
    """Return a text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(value, "a text")
    return value


def as_object(value: Any) -> Mapping[str, Any]:
    """Return an object."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(value, "an object")
    return value


def as_list(value: Any) -> Sequence[Any]:
    """Return a list."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _wrong(value, "a list")
    return value


def as_number(value: Any) -> int | None:
    """Return an integer, which hosts write as a text, too; or None."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, "a number")
    return value


def as_flag(value: Any) -> bool:
    """Return whether a flag is set."""
    if value is not None and not isinstance(value, bool):
        raise _wrong(value, "true or false")
    return bool(value)


def as_id(value: Any) -> str | None:
    """Return an id, which hosts send as a number, too; None where it is empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_text(value) or None


def kind_of(value: Any) -> str:
    """Return the type that an object says it has, which it must."""
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        raise _wrong(value, "an object with a type")
    return str(value["type"])


def _wrong(value: Any, expected: str) -> ValueError:
    return ValueError(f"{value!r:.200} in place of {expected}")


def rest_of(whole: str, received: str) -> str:
    """Return what of a text has not come that comes in pieces, and then again as a whole.

    Hosts that send nothing at an end, or trim it, take nothing back.

    Raises ValueError where the two are not the same text.
    """
    if not whole.strip() or whole.strip() == received.strip():
        return "" if received else whole
    if not whole.startswith(received):
        raise ValueError(f"{received!r:.200} in pieces, and {whole!r:.200} as a whole")
    return whole[len(received) :]
