"""Payload encoding: from whatever an event holds to frozen JSON.

JSON values stay what they are. What JSON can't hold takes one of these forms, lossless where that is possible
(clause `envelope.data-json`):

| value | form |
|---|---|
| bytes | `{"$bytes": base64}` |
| NaN, infinities | `{"$float": "nan" / "inf" / "-inf"}` |
| an integer outside 64 bits | `{"$int": decimal digits}`, hexadecimal with `0x` where Python refuses to write it in decimal |
| text with lone surrogates | `{"$text": escaped as in Python source}`; in a key, the escaped text itself |
| a dict with keys that are no strings, or are the same as JSON | `{"$map": [[key, value], …]}` |
| times | ISO 8601 in UTC with microseconds and `Z`; a naive one is taken as UTC; dates and durations in ISO forms |
| sets | a list, sorted by the JSON of its items; tuples are lists |
| enums, UUIDs, paths, decimals | their value, or their text |
| pydantic models and dataclasses | an object of their fields but excluded ones, or of those that `shown_in_frames` of a model's class names |
| other dataclasses, structs of msgspec | an object of their fields |
| exceptions | `{"$error": class, "message": text}` |
| functions, classes, modules | `{"$callable": qualified name}` |
| anything else | `{"$object": class, "repr": its repr without addresses, or the class of what its repr raised}` |
| a container inside itself | `{"$cycle": how many levels up it stands}` |
| what lies deeper than 200 levels | `{"$deep": class, "repr": its repr, shortened}` |
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import math
import re
from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any
from uuid import UUID

import orjson
from msgspec import Struct
from pydantic import BaseModel

from harness.errors import RunCancelled, error_text
from harness.events.sources import moment_in_utc
from harness.frames.frozen import FrozenDict, FrozenList

#: Levels of nesting that a payload keeps; orjson refuses documents deeper than 254.
MAX_DEPTH = 200
_MAX_REPR = 500
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
#: Scalars that are JSON already; text is checked for lone surrogates apart.
_PLAIN = frozenset({type(None), bool})
#: Stands where nothing does.
_ABSENT = object()
#: What a class is called, whatever its metaclass does when it is asked.
_module_of, _qualname_of = (type.__dict__[name].__get__ for name in ("__module__", "__qualname__"))
#: What a container that has been encoded holds beside containers.
_ENCODED_SCALARS = frozenset({*_PLAIN, str, int, float})


def encode(value: Any) -> Any:
    """Return `value` as frozen JSON. Never raises; shares nothing that its caller could change."""
    return _encode(value, ())


def _encode(value: Any, above: tuple[int, ...]) -> Any:
    # Not `__class__`, which mocks and lazy proxies answer with the class that they stand for.
    cls = type(value)
    if cls is str:
        return value if value.isascii() else _text(value)
    if cls in _PLAIN:
        return value
    if cls is int:
        return _integer(value)
    if cls is float:
        return value if math.isfinite(value) else FrozenDict({"$float": str(value)})
    if not above and _is_encoded(value, MAX_DEPTH):
        return value
    try:
        try:
            return _encode_object(value, above)
        except RuntimeError:
            # Another thread may have changed its size meanwhile. A plain copy is made in one step.
            if not isinstance(value, dict | set):
                raise
            return _encode_object(dict(value) if isinstance(value, dict) else set(value), above)
    except (RunCancelled, KeyboardInterrupt):
        raise
    except BaseException as error:
        return FrozenDict({"$object": _class_name(cls), "repr": f"<encoding raised {type(error).__name__}>"})


def _is_encoded(value: Any, levels: int) -> bool:
    """Return whether `value` is a frozen container, frozen all the way down, of no more than `levels` levels."""
    cls = type(value)
    if cls is not FrozenDict and cls is not FrozenList:
        return False
    for item in value.values() if cls is FrozenDict else value:
        if type(item) not in _ENCODED_SCALARS and (levels <= 1 or not _is_encoded(item, levels - 1)):
            return False
    return True


def _encode_object(value: Any, above: tuple[int, ...]) -> Any:
    # Containers are walked in plain loops: every helper or comprehension here would cost a stack frame per level.
    if isinstance(value, enum.Enum):
        return _encode(value.value, above)
    for kind, form in _SCALAR_FORMS:
        if isinstance(value, kind):
            return form(value)
    if id(value) in above:
        return FrozenDict({"$cycle": sum(map(bool, above[above.index(id(value)) :]))})
    if len(above) >= MAX_DEPTH - 1:
        return FrozenDict({"$deep": _class_name(type(value)), "repr": _shallow_repr(value)})
    above = (*above, id(value))
    fields = _fields(value)
    if fields is not None:
        # All keys first: what an item holds is encoded once, whichever form its dict takes.
        named = {}
        for key, item in fields.items():
            if not isinstance(key, str) or (name := _key(key)) in named:
                break
            named[name] = item
        else:
            for name, item in named.items():
                named[name] = _encode(item, above)
            return FrozenDict(named)
        # The list of pairs, and the pair, are levels of JSON that no container stands for.
        above = (*above, 0, 0)
        pairs = []
        for key, item in fields.items():
            pairs.append(FrozenList((_encode(key, above), _encode(item, above))))
        return FrozenDict({"$map": FrozenList(pairs)})
    if isinstance(value, list | tuple | AbstractSet):
        items = []
        for item in value:
            items.append(_encode(item, above))
        if isinstance(value, AbstractSet):
            items.sort(key=lambda item: orjson.dumps(item, option=orjson.OPT_SORT_KEYS))
        return FrozenList(items)
    return _object(value)


def _object(value: Any) -> FrozenDict:
    return FrozenDict({"$object": _class_name(type(value)), "repr": _safe_repr(value)})


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, BaseModel):
        shown = getattr(type(value), "shown_in_frames", None)
        if isinstance(shown, tuple):
            return _held(value, shown)
        return _held(value, type(value).model_fields) | (value.__pydantic_extra__ or {})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _held(value, (field.name for field in dataclasses.fields(value)))
    return _held(value, value.__struct_fields__) if isinstance(value, Struct) else None


def _held(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the fields of `value` that it has, but for what its class excludes.

    What was made without its constructor may lack some.
    """
    excluded = excluded_fields(type(value))
    held = {name: getattr(value, name, _ABSENT) for name in names if name not in excluded}
    return {name: item for name, item in held.items() if item is not _ABSENT}


def excluded_fields(cls: Any) -> set[str]:
    """Return the names of what a model or a dataclass of pydantic's excludes from its dumps."""
    fields = getattr(cls, "__pydantic_fields__", {})
    return {name for name, field in fields.items() if field.exclude}


def _text(value: str) -> Any:
    # Nor is what a mock answers text, whatever it was asked for.
    plain = str.__str__(value)
    readable = _key(plain)
    return plain if readable is plain else FrozenDict({"$text": readable})


def decoded_text(value: Any) -> str:
    """Return the text that `encode` was given, from what it made of it."""
    if isinstance(value, dict):
        return str(value["$text"]).encode("ascii").decode("unicode_escape")
    return str(value)


def _key(value: str) -> str:
    plain = str.__str__(value)
    try:
        plain.encode()
    except UnicodeEncodeError:
        return plain.encode("unicode_escape", "surrogatepass").decode("ascii")
    return plain


def _integer(value: int) -> Any:
    if -(2**63) <= value < 2**64:
        return int(value)
    try:
        return FrozenDict({"$int": str(value)})
    except ValueError:  # more digits than `sys.get_int_max_str_digits` allows
        return FrozenDict({"$int": hex(value)})


def _moment(value: datetime) -> Any:
    try:
        aware = moment_in_utc(value)
    except ValueError:  # UTC has no such time
        return _object(value)
    return _text(aware.isoformat(timespec="microseconds").replace("+00:00", "Z"))


def _duration(value: timedelta) -> str:
    seconds, microseconds = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    return f"PT{'-' if value < timedelta(0) else ''}{seconds}.{microseconds:06}S"


def _named(value: Any) -> FrozenDict:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or type(value).__qualname__
    return FrozenDict({"$callable": _key(f"{getattr(value, '__module__', None) or ''}.{name}".lstrip("."))})


def _exception(value: BaseException) -> FrozenDict:
    return FrozenDict({"$error": type(value).__name__, "message": _text(error_text(value))})


def _safe_repr(value: Any) -> Any:
    try:
        text = _ADDRESS.sub("", repr(value))
    except (RunCancelled, KeyboardInterrupt):
        raise
    except BaseException as failure:
        return f"<repr raised {type(failure).__name__}>"
    return _text(text if len(text) <= _MAX_REPR else text[:_MAX_REPR] + "…")


def _shallow_repr(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple | AbstractSet):
        return f"{type(value).__name__} of {len(value)}"
    return _safe_repr(value)


def _class_name(cls: type) -> str:
    return _key(f"{_module_of(cls)}.{_qualname_of(cls)}")


#: In this order: a datetime is a date, a str subclass is text.
_SCALAR_FORMS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, _text),
    (int, lambda value: _integer(int(value))),
    (float, lambda value: _encode(float(value), ())),
    (
        bytes | bytearray | memoryview,
        lambda value: FrozenDict({"$bytes": base64.b64encode(memoryview(value).tobytes()).decode()}),
    ),
    (datetime, _moment),
    (date | time, lambda value: _text(value.isoformat())),
    (timedelta, _duration),
    # A path may hold bytes that are no text, as lone surrogates.
    (UUID | PurePath | Decimal, lambda value: _text(str(value))),
    (BaseException, _exception),
    (type | ModuleType, _named),
    (FunctionType | MethodType | BuiltinFunctionType, _named),
)
