"""The values of a run as JSON, and back: what methods returned, for a run that goes on in another process.

JSON values come back as they were. So do bytes, floats and integers beyond JSON's, and text with lone surrogates, in the
forms of `harness.frames.codec`; tuples, sets, deques, times, UUIDs, numbers that JSON lacks and paths, in forms of the same
kind; and dicts whose keys are no strings, or look like such a form. A pydantic model, a dataclass, a named tuple or a member
of an enum is kept with the name of its class, and comes back as one where that class has been imported by then: nothing is
imported for it, and where it has not, its fields come back as a dict. Anything else is a description of itself, or, where all
must come back, refused.
"""

from __future__ import annotations

import base64
import copy
import enum
import json
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping, Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from harness.errors import UsageError
from harness.flow.model_codec import (
    accepts_parts,
    from_form,
    from_parts,
    holds_form,
    is_model,
    own_form,
    parts_of,
    round_trips,
)
from harness.frames.codec import MAX_DEPTH, decoded_text, encode

logger = logging.getLogger("harness")
_MODEL: Final = "$model"
_NAMED: Final = "$named"
_MEMBER: Final = "$member"


def encode_value(value: Any) -> Any:
    """Return `value` as JSON that shares nothing with it. Never raises."""
    return _encode(value, 0, strict=False)


def encode_exactly(value: Any, label: str) -> Any:
    """Return `value` as JSON from which it comes back.

    Raises:
        UsageError: something in it would not; the message names that, and `label` it is in.
    """
    try:
        return _encode(value, 0, strict=True)
    except _UnencodableError as error:
        raise _refusal(label, error) from None


def encode_model(value: BaseModel, label: str) -> dict[str, Any]:
    """Return the fields of a model as JSON, of which `decode_value` makes what the model's class makes it of.

    That is how the model writes itself, wherever the class makes the same of it.

    Raises:
        UsageError: it has no such form, and something in it would not come back; the message names that, and `label` it is in.
    """
    try:
        return _form(value, 0, strict=True)[1]
    except _UnencodableError as error:
        raise _refusal(label, error) from None


def _refusal(label: str, error: _UnencodableError) -> UsageError:
    return UsageError(
        f"{label} holds {error}, which can't be kept: give JSON, a pydantic model, a dataclass or an enum"
    )


class _UnencodableError(Exception):
    pass


def _encode(value: Any, depth: int, *, strict: bool) -> Any:
    cls = type(value)
    if cls in _PLAIN or (cls in _SCALARS and encode(value) is value):
        return value
    below = depth + 1
    if depth < MAX_DEPTH:
        if cls in _AS_TEXT:
            form, text, _ = _AS_TEXT[cls]
            return {form: text(value)}
        if isinstance(value, enum.Enum):
            return {_MEMBER: _name(cls), "value": _encode(value.value, below, strict=strict)}
        if isinstance(value, PurePath):
            return {"$path": str(value)}
        # A plain copy of what another thread may be adding to is made in one step.
        if isinstance(value, Mapping):
            items = list(value.items())
            if all(isinstance(key, str) and not key.startswith("$") and encode(key) == key for key, _ in items):
                return {key: _encode(item, below, strict=strict) for key, item in items}
            pairs = [[_encode(key, below, strict=strict), _encode(item, below, strict=strict)] for key, item in items]
            return {"$map": pairs}
        if cls in _CONTAINERS:
            return {_CONTAINERS[cls]: [_encode(item, below, strict=strict) for item in list(value)]}
        if isinstance(value, tuple) and hasattr(cls, "_make"):
            return {_NAMED: _name(cls), "items": [_encode(item, below, strict=strict) for item in value]}
        if isinstance(value, list | tuple):
            return [_encode(item, below, strict=strict) for item in value]
        if is_model(cls):
            how, fields = _form(value, depth, strict=strict)
            return {_MODEL: _name(cls), how: fields}
    encoded = encode(value)
    if (
        strict
        and (depth >= MAX_DEPTH or not _FORMS.keys() & _keys(encoded))
        and not isinstance(encoded, int | float | str)
    ):
        raise _UnencodableError(f"a {cls.__module__}.{cls.__qualname__}")
    return copy.deepcopy(encoded)


def _form(value: Any, depth: int, *, strict: bool) -> tuple[str, dict[str, Any]]:
    """Return how a model is kept, and that: as the `fields` that it writes itself as, or in `parts`, kept one by one."""
    own = own_form(value)
    if own is not None and (holds_form(value, own) or round_trips(value, own)):
        return "fields", own
    try:
        parts = parts_of(value, lambda part: _encode(part, depth + 1, strict=strict))
    except _UnencodableError:
        if own is None:
            raise
        return "fields", own
    # Not whether it equals: what is no number, for one, never does.
    return ("parts", parts) if own is None or accepts_parts(type(value), decode_value(parts)) else ("fields", own)


def _keys(encoded: Any) -> AbstractSet[str]:
    return encoded.keys() if isinstance(encoded, dict) else frozenset()


def decode_value(value: Any) -> Any:
    """Return the value that `encode_value` was given, as far as the form of each part allows."""
    if isinstance(value, list):
        return [decode_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_MODEL, "fields"}:
        return _model(str(value[_MODEL]), value["fields"], from_form)
    if value.keys() == {_MODEL, "parts"}:
        return _model(str(value[_MODEL]), decode_value(value["parts"]), from_parts)
    if value.keys() == {_NAMED, "items"}:
        return _named(str(value[_NAMED]), decode_value(value["items"]))
    if value.keys() == {_MEMBER, "value"}:
        return _member(str(value[_MEMBER]), decode_value(value["value"]))
    if len(value) == 1:
        (form, inside), *_ = value.items()
        if form in _FORMS:
            return _FORMS[form](inside)
    return {key: decode_value(item) for key, item in value.items()}


def _map(pairs: Any) -> Any:
    return {_key(decode_value(key)): decode_value(item) for key, item in pairs}


def _key(key: Any) -> Any:
    """Return a key that has come back; as text, where a list or a dict has come of it."""
    return json.dumps(key) if isinstance(key, list | dict) else key


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


_PLAIN: Final = frozenset({type(None), bool})
#: Those that JSON has, but for some of their values.
_SCALARS: Final = frozenset({str, int, float})
#: Class → form, and the way there and back.
_AS_TEXT: Final[Mapping[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]]] = {
    datetime: ("$datetime", datetime.isoformat, datetime.fromisoformat),
    date: ("$date", date.isoformat, date.fromisoformat),
    time: ("$time", time.isoformat, time.fromisoformat),
    timedelta: (
        "$timedelta",
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: timedelta(*map(int, text.split())),
    ),
    UUID: ("$uuid", str, UUID),
    Decimal: ("$decimal", str, Decimal),
    Fraction: ("$fraction", str, Fraction),
    complex: ("$complex", str, complex),
    bytearray: (
        "$bytearray",
        lambda value: base64.b64encode(value).decode(),
        lambda text: bytearray(base64.b64decode(text)),
    ),
}
_CONTAINERS: Final[Mapping[type, str]] = {
    tuple: "$tuple",
    set: "$set",
    frozenset: "$frozenset",
    deque: "$deque",
}
_FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$map": _map,
    "$bytes": lambda text: base64.b64decode(text),
    "$float": float,
    "$int": lambda text: int(text, 16 if "0x" in text else 10),
    "$text": lambda text: decoded_text({"$text": text}),
    "$path": Path,
    **{form: back for form, _, back in _AS_TEXT.values()},
    "$tuple": lambda items: tuple(decode_value(items)),
    "$set": lambda items: set(decode_value(items)),
    "$frozenset": lambda items: frozenset(decode_value(items)),
    "$deque": lambda items: deque(decode_value(items)),
}


def _loaded(name: str) -> Any:
    """Return what has that name in a module that has been imported, or None."""
    module_name, _, path = name.partition(":")
    found: Any = sys.modules.get(module_name)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _model(name: str, fields: Any, made: Callable[[type, Any], Any]) -> Any:
    found = _loaded(name)
    if not is_model(found):
        return fields
    try:
        return made(found, fields)
    except Exception:
        logger.warning("a value of %s that was kept does not fit the class of today; its fields are given", name)
        return fields


def _named(name: str, items: list[Any]) -> Any:
    found = _loaded(name)
    is_there = isinstance(found, type) and issubclass(found, tuple) and hasattr(found, "_make")
    try:
        return found._make(items) if is_there else tuple(items)
    except TypeError:
        logger.warning("a named tuple of %s that was kept does not fit the class of today; its items are given", name)
        return tuple(items)


def _member(name: str, value: Any) -> Any:
    found = _loaded(name)
    try:
        return found(value) if isinstance(found, type) and issubclass(found, enum.Enum) else value
    except ValueError:
        logger.warning("a member of %s that was kept is none of today's; its value is given", name)
        return value
