"""Values of JSON by the type that they are to have. What is null or missing is empty; any other type is a ValueError.

A value of another type is never passed over: what it was to say would be lost without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: What reading raises of a value that has another shape than its provider documents, or is nested too deeply to be read.
OF_ANOTHER_SHAPE: Final = (AttributeError, LookupError, TypeError, ValueError, RecursionError)


def _reader(kind: type[Any], empty: T, expected: str) -> Callable[[Any], T]:
    def read(value: Any) -> T:
        if value is None:
            return empty
        if not isinstance(value, kind):
            raise _wrong(value, expected)
        return value  # type: ignore[no-any-return]

    return read


as_text: Final = _reader(str, "", "a text")
as_object: Final[Callable[[Any], Mapping[str, Any]]] = _reader(Mapping, {}, "an object")
as_list: Final[Callable[[Any], Sequence[Any]]] = _reader(list, (), "a list")
as_flag: Final = _reader(bool, False, "true or false")


def as_words(value: Any) -> str:
    """Return a text, which hosts send in parts, too, each an object that holds one."""
    return "".join(as_text(as_object(part)["text"]) for part in value) if isinstance(value, list) else as_text(value)


def as_number(value: Any) -> int | None:
    """Return an integer, which hosts write as a text, too; or None."""
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit()
    if is_digits or (isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise _wrong(value, "a number")
    return value


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

    Hosts that send nothing at an end, or trim it, take nothing back. Raises ValueError where it is not the same text.
    """
    if not whole.strip() or whole.strip() == received.strip():
        return "" if received else whole
    if not whole.startswith(received):
        raise ValueError(f"{received!r:.200} in pieces, and {whole!r:.200} as a whole")
    return whole[len(received) :]
