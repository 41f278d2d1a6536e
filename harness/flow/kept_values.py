"""The values of a run as JSON, and back: what methods returned, for a run that goes on in another process.

JSON values come back as they were. So do bytes, floats and integers beyond JSON's, and text with lone surrogates, in the
forms of `harness.frames.codec`; tuples, sets, times, UUIDs, decimals and paths, in forms of the same kind; and dicts whose
keys are no strings, or look like such a form. A pydantic model, a dataclass or a member of an enum is kept with the name
of its class, and comes back as one where that class has been imported by then: nothing is imported for it, and where it has
not, its fields come back as a dict. Anything else is a description of itself, or, where all must come back, refused.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import enum
import functools
import json
import logging
import sys
from collections.abc import Callable, Mapping, Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from harness.errors import UsageError
from harness.frames.codec import MAX_DEPTH, decoded_text, encode

logger = logging.getLogger("harness")
_MODEL: Final = "$model"
_MEMBER: Final = "$member"


def kept(value: Any) -> Any:
    """Return `value` as JSON that shares nothing with it. Never raises."""
    return _kept(value, 0, strict=False)


def kept_whole(value: Any, what: str) -> Any:
    """Return `value` as JSON from which it comes back.

    Raises:
        UsageError: something in it would not; the message names that, and `what` it is in.
    """
    try:
        return _kept(value, 0, strict=True)
    except _UnkeepableError as error:
        raise UsageError(
            f"{what} holds {error}, which can't be kept: give JSON, a pydantic model, a dataclass or an enum"
        ) from None


class _UnkeepableError(Exception):
    pass


def _kept(value: Any, depth: int, *, strict: bool) -> Any:
    cls = type(value)
    if cls in _PLAIN or (cls in _SCALARS and encode(value) is value):
        return value
    below = depth + 1
    if depth < MAX_DEPTH:
        if cls in _AS_TEXT:
            form, text, _ = _AS_TEXT[cls]
            return {form: text(value)}
        if isinstance(value, enum.Enum):
            return {_MEMBER: _name(cls), "value": _kept(value.value, below, strict=strict)}
        if isinstance(value, PurePath):
            return {"$path": str(value)}
        # A plain copy of what another thread may be adding to is made in one step.
        if isinstance(value, Mapping):
            items = list(value.items())
            if all(isinstance(key, str) and not key.startswith("$") and encode(key) == key for key, _ in items):
                return {key: _kept(item, below, strict=strict) for key, item in items}
            pairs = [[_kept(key, below, strict=strict), _kept(item, below, strict=strict)] for key, item in items]
            return {"$map": pairs}
        if cls in _CONTAINERS:
            return {_CONTAINERS[cls]: [_kept(item, below, strict=strict) for item in list(value)]}
        if isinstance(value, list | tuple):
            return [_kept(item, below, strict=strict) for item in value]
        if _is_model(cls):
            fields = _dumped(value)
            if fields is not None:
                return {_MODEL: _name(cls), "fields": fields}
    encoded = encode(value)
    if (
        strict
        and (depth >= MAX_DEPTH or not _FORMS.keys() & _keys(encoded))
        and not isinstance(encoded, int | float | str)
    ):
        raise _UnkeepableError(f"a {cls.__module__}.{cls.__qualname__}")
    return copy.deepcopy(encoded)


def _keys(encoded: Any) -> AbstractSet[str]:
    return encoded.keys() if isinstance(encoded, dict) else frozenset()


def unkept(value: Any) -> Any:
    """Return the value that `kept` was given, as far as the form of each part allows."""
    if isinstance(value, list):
        return [unkept(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_MODEL, "fields"}:
        return _model(str(value[_MODEL]), value["fields"])
    if value.keys() == {_MEMBER, "value"}:
        return _member(str(value[_MEMBER]), unkept(value["value"]))
    if len(value) == 1:
        (form, inside), *_ = value.items()
        if form in _FORMS:
            return _FORMS[form](inside)
    return {key: unkept(item) for key, item in value.items()}


def _map(pairs: Any) -> Any:
    return {_key(unkept(key)): unkept(item) for key, item in pairs}


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
}
_CONTAINERS: Final[Mapping[type, str]] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}
_FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$map": _map,
    "$bytes": lambda text: base64.b64decode(text),
    "$float": float,
    "$int": lambda text: int(text, 16 if "0x" in text else 10),
    "$text": lambda text: decoded_text({"$text": text}),
    "$path": Path,
    **{form: back for form, _, back in _AS_TEXT.values()},
    "$tuple": lambda items: tuple(unkept(items)),
    "$set": lambda items: set(unkept(items)),
    "$frozenset": lambda items: frozenset(unkept(items)),
}


def _is_model(cls: type) -> bool:
    return issubclass(cls, BaseModel) or dataclasses.is_dataclass(cls)


@functools.lru_cache(maxsize=256)
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _dumped(value: Any) -> Any:
    """Return the fields of a model; None for one that pydantic can't dump."""
    cls: Any = type(value)
    try:
        return _adapter(cls).dump_python(value, mode="json")
    except Exception:
        return None


def _loaded(name: str) -> Any:
    """Return what has that name in a module that has been imported, or None."""
    module_name, _, path = name.partition(":")
    found: Any = sys.modules.get(module_name)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _model(name: str, fields: Any) -> Any:
    found = _loaded(name)
    if not (isinstance(found, type) and _is_model(found)):
        return fields
    try:
        return _adapter(found).validate_python(fields)
    except Exception:
        logger.warning("a value of %s that was kept does not fit the class of today; its fields are given", name)
        return fields


def _member(name: str, value: Any) -> Any:
    found = _loaded(name)
    try:
        return found(value) if isinstance(found, type) and issubclass(found, enum.Enum) else value
    except ValueError:
        logger.warning("a member of %s that was kept is none of today's; its value is given", name)
        return value
