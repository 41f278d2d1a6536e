"""The values of a run as JSON, and back: what methods returned, for a run that goes on in another process.

JSON values come back as they were. So do bytes, floats and integers beyond JSON's, and text with lone surrogates, in the
forms of `harness.frames.codec`; tuples, sets, deques and paths, and times, UUIDs and numbers that JSON lacks, of their own
classes or of some below, in forms of the same kind; and dicts whose keys are no strings, or look like such a form. A pydantic
model, a dataclass, a named tuple, a member of an enum, or a dict or a list of a class of its own is kept with the name of its
class, and comes back as one where that class has been imported by then: nothing is imported for it, and where it has not, its
fields come back as a dict. Of a secret its stars come back. Anything else is a description of itself, or, where all must come
back, refused.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import enum
import functools
import importlib
import json
import logging
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr

from harness.errors import UsageError
from harness.flow.model_codec import (
    NO_FORM,
    from_form,
    from_held,
    from_parts,
    has_types,
    is_model,
    own_form,
    parts_of,
    round_trips,
)
from harness.frames.codec import MAX_DEPTH, decoded_text, encode
from harness.frames.frozen import FrozenDict, FrozenList

logger = logging.getLogger("harness")
_MODEL: Final = "$model"
#: Among the fields of a model that its class would make another of, or refuse.
_HELD: Final = "$held"
_NAMED: Final = "$named"
_MEMBER: Final = "$member"
_CONTAINER: Final = "$container"
_DEFAULTS: Final = "$defaultdict"
#: What makes the class of a state of a user's model, as the end of its name says, and in which module that is.
_MAKERS: Final = {"with_id": "harness.flow.state", "completed": "harness.flow.conversation.state"}
_PATH: Final = "$path"
#: The class of this system's paths.
_OWN_PATH: Final = type(Path())


def encode_value(value: Any) -> Any:
    """Return `value` as JSON that shares nothing with it. Never raises."""
    return _encode(value, 0, strict=False)


def encode_exactly(value: Any, label: str | Callable[[], str]) -> Any:
    """Return `value` as JSON from which it comes back.

    Raises:
        UsageError: something in it would not; the message names that, and `label`, or what that gives, it is in.
    """
    try:
        return _encode(value, 0, strict=True)
    except _UnencodableError as error:
        raise _refusal(label if isinstance(label, str) else label(), error) from None


def encode_model(value: BaseModel, label: str) -> dict[str, Any]:
    """Return the fields of a model as JSON, of which `decode_model` makes the model again.

    That is how the model writes itself, wherever the class makes the same of it.

    Raises:
        UsageError: it has no such form, and something in it would not come back; the message names that, and `label` it is in.
    """
    try:
        how, fields = _form(value, 0, strict=True)
    except _UnencodableError as error:
        raise _refusal(label, error) from None
    return {**fields, _HELD: True} if how == "held" else fields


def decode_model(cls: type[BaseModel], fields: dict[str, Any]) -> BaseModel:
    """Return the model of which `encode_model` has made these fields. Raises what the class has against it."""
    decoded = decode_value({name: field for name, field in fields.items() if name != _HELD})
    if _HELD in fields:
        # Of a class that has other fields by now, it is what that makes of these.
        with contextlib.suppress(TypeError):
            held: BaseModel = from_held(cls, decoded)
            return held
    made: BaseModel = from_form(cls, decoded)
    return made


def _refusal(label: str, error: _UnencodableError) -> UsageError:
    return UsageError(
        f"{label} holds {error}, which can't be kept: give JSON, a dict or list of Python's own, a pydantic model, a "
        "dataclass or an enum"
    )


class _UnencodableError(Exception):
    """Says of which class a value is, and which field of a model holds it, the innermost."""

    def within(self, field: str) -> _UnencodableError:
        return self if len(self.args) > 1 else _UnencodableError(*self.args, field)

    def __str__(self) -> str:
        return " as ".join(self.args)


def _encode(value: Any, depth: int, *, strict: bool, plainly: bool = False) -> Any:
    """Return the form of a value; with `plainly` one to be compared, which says of a model only what it holds."""
    cls = type(value)
    if cls in _PLAIN or (cls in _SCALARS and encode(value) is value):
        return value
    below = depth + 1
    if depth < MAX_DEPTH:
        if isinstance(value, enum.Enum):
            return {_MEMBER: _name(cls), "value": _encode(value.value, below, strict=strict, plainly=plainly)}
        base = _text_base(cls)
        if base is not None:
            return _as_text(value, base, strict=strict)
        if isinstance(value, PurePath):
            return {_PATH: str(value)} if cls is _OWN_PATH else {_PATH: str(value), "class": _name(cls)}
        # A plain copy of what another thread may be adding to is made in one step.
        if isinstance(value, Mapping):
            items = list(value.items())
            kept: Any
            if all(isinstance(key, str) and not key.startswith("$") and encode(key) == key for key, _ in items):
                kept = {str.__str__(key): _encode(item, below, strict=strict, plainly=plainly) for key, item in items}
            else:
                kept = {
                    "$map": [
                        [
                            _encode(key, below, strict=strict, plainly=plainly),
                            _encode(item, below, strict=strict, plainly=plainly),
                        ]
                        for key, item in items
                    ]
                }
            return kept if cls in _JSON else _of_its_class(value, dict(items), kept, strict=strict)
        if cls in _CONTAINERS:
            bound = {} if cls is not deque or value.maxlen is None else {"maxlen": value.maxlen}
            kept = [_encode(item, below, strict=strict, plainly=plainly) for item in list(value)]
            if plainly and isinstance(value, AbstractSet):
                # Equal sets need not be in one order.
                kept.sort(key=repr)
            return {_CONTAINERS[cls]: kept, **bound}
        if isinstance(value, tuple) and hasattr(cls, "_make"):
            return {
                _NAMED: _name(cls),
                "items": [_encode(item, below, strict=strict, plainly=plainly) for item in value],
            }
        if isinstance(value, list | tuple):
            kept = [_encode(item, below, strict=strict, plainly=plainly) for item in value]
            return kept if cls in _JSON else _of_its_class(value, list(value), kept, strict=strict)
        if is_model(cls):
            return {_MODEL: _name(cls), **_of_model(value, depth, strict=strict, plainly=plainly)}
    encoded = encode(value)
    if (
        strict
        and (depth >= MAX_DEPTH or not _FORMS.keys() & _keys(encoded))
        and not isinstance(encoded, int | float | str)
    ):
        raise _UnencodableError(f"a {cls.__module__}.{cls.__qualname__}")
    return copy.deepcopy(encoded)


def _text_base(cls: type) -> type | None:
    """Return the class itself, or the nearest one above it, whose values are kept as text."""
    return next((base for base in cls.__mro__ if base in _AS_TEXT), None)


def _as_text(value: Any, base: type, *, strict: bool) -> Any:
    """Return the form of a value of such a class, or of one below that makes it of that text; of any other as `_of_its_class`."""
    cls = type(value)
    form, text, back = _AS_TEXT[base]
    if cls is base:
        return {form: text(value)}
    with contextlib.suppress(Exception):
        written = text(value)
        made = back(cls, written)
        is_same = made == value and getattr(made, "__dict__", None) == getattr(value, "__dict__", None)
        if is_same and type(made) is cls is _loaded(_name(cls)):
            return {form: written, "class": _name(cls)}
    if strict:
        raise _UnencodableError(f"a {cls.__module__}.{cls.__qualname__}")
    return copy.deepcopy(encode(value))


def _of_its_class(value: Any, plain: Any, kept: Any, *, strict: bool) -> Any:
    """Return the form of a container whose class makes it of a plain one, which is kept so; of any other that, or a refusal."""
    cls = type(value)
    if cls is defaultdict:
        factory = value.default_factory
        name = _name(factory) if isinstance(factory, type) else None
        if factory is None or (name is not None and _loaded(name) is factory):
            return {_DEFAULTS: name, "items": kept}
    with contextlib.suppress(Exception):
        made = cls(plain)
        is_same = made == value and getattr(made, "__dict__", None) == getattr(value, "__dict__", None)
        if is_same and _loaded(_name(cls)) is cls:
            return {_CONTAINER: _name(cls), "items": kept}
    if strict:
        raise _UnencodableError(f"a {cls.__module__}.{cls.__qualname__}")
    return kept


def _of_model(value: Any, depth: int, *, strict: bool, plainly: bool) -> dict[str, Any]:
    if plainly:
        return {"parts": parts_of(value, lambda _, part: _encode(part, depth + 1, strict=strict, plainly=True))}
    how, fields = _form(value, depth, strict=strict)
    return {how: fields}


def _form(value: Any, depth: int, *, strict: bool) -> tuple[str, Any]:
    """Return how a model is kept, and that: the first of these ways by which it comes back.

    As the `fields` that it writes itself as; in `parts`, kept one by one, of which its class makes it; as they are `held`,
    whatever its class would make of them. A part that has a form by its field alone, as a URL, is as the model writes that.
    """
    # Where a generic model's types are not known any more, its parts still are what they are.
    own = NO_FORM if has_types(type(value)) else own_form(value)
    if own is not NO_FORM and round_trips(value, own):
        return "fields", own
    refused: list[_UnencodableError] = []

    def part_form(name: str, part: Any) -> Any:
        try:
            return _encode(part, depth + 1, strict=True)
        except _UnencodableError as error:
            alone = own_form(value, name)
            located = error.within(f"{type(value).__name__}.{name}")
            if isinstance(alone, dict) and len(alone) == 1:
                refused.append(located)
                return next(iter(alone.values()))
            if strict:
                raise located from None
        return _encode(part, depth + 1, strict=False)

    try:
        kept = parts_of(value, part_form)
    except _UnencodableError:
        if own is NO_FORM:
            raise
        return "fields", own

    # Not whether it equals: what is no number, for one, never does.
    def plain(model: Any) -> dict[str, Any]:
        return parts_of(model, lambda _, part: _encode(part, depth + 1, strict=False, plainly=True))

    wanted = plain(value)
    ways = {"fields": own, "parts": kept, "held": NO_FORM if refused else kept}
    for way, form in ways.items():
        with contextlib.suppress(Exception):
            if form is not NO_FORM and plain(_MADE[way](type(value), decode_value(form))) == wanted:
                return way, form
    if strict and refused and own is NO_FORM:
        raise refused[0]
    return ("parts", kept) if own is NO_FORM else ("fields", own)


def _keys(encoded: Any) -> AbstractSet[str]:
    return encoded.keys() if isinstance(encoded, dict) else frozenset()


def decode_value(value: Any) -> Any:
    """Return the value that `encode_value` was given, as far as the form of each part allows.

    What looks like a form and holds what none does, as others may have written it, is what it looks like: a dict.
    """
    if isinstance(value, list):
        return [decode_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    try:
        if len(value) == 2:
            names = tuple(sorted(value))
            if names in _PAIRS:
                first, second = names
                return _PAIRS[names](value[first], value[second])
        if len(value) == 1:
            (form, inside), *_ = value.items()
            if form in _FORMS:
                return _FORMS[form](inside)
    except Exception:
        # As it is: what is in it may have been looked at already, and so at each level above.
        return value
    return {key: decode_value(item) for key, item in value.items()}


def _items(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise TypeError(f"the items of a form are a list, not {items!r}")
    return [decode_value(item) for item in items]


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
#: Containers that are JSON; the frozen ones hold nothing else.
_JSON: Final = frozenset({dict, list, FrozenDict, FrozenList})
_STARS: Final = "**********"
#: What ISO 8601 does not say of a moment: that it is the second one of its name, once clocks were put back, and in which zone.
_FOLD: Final = "fold"
#: Class → form, and the way there, and back to an instance of the class or of one below.
_AS_TEXT: Final[Mapping[type, tuple[str, Callable[[Any], str], Callable[[Any, str], Any]]]] = {
    datetime: ("$datetime", lambda value: _moment_text(value), lambda cls, text: _moment(cls, text)),
    date: ("$date", lambda value: value.isoformat(), lambda cls, text: cls.fromisoformat(text)),
    time: ("$time", lambda value: _moment_text(value), lambda cls, text: _moment(cls, text)),
    timedelta: (
        "$timedelta",
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda cls, text: cls(*map(int, text.split())),
    ),
    **{
        cls: (f"${cls.__name__.lower()}", str, lambda cls, text: cls(text))
        for cls in (UUID, Decimal, Fraction, complex)
    },
    SecretStr: ("$secret", lambda _: _STARS, lambda cls, text: cls(text)),
    SecretBytes: ("$secret_bytes", lambda _: _STARS, lambda cls, text: cls(text.encode())),
    bytearray: (
        "$bytearray",
        lambda value: base64.b64encode(value).decode(),
        lambda cls, text: cls(base64.b64decode(text)),
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
    _PATH: Path,
    **{form: functools.partial(back, cls) for cls, (form, _, back) in _AS_TEXT.items()},
    "$tuple": lambda items: tuple(_items(items)),
    "$set": lambda items: set(_items(items)),
    "$frozenset": lambda items: frozenset(_items(items)),
    "$deque": lambda items: deque(_items(items)),
}


def _loaded(name: str) -> Any:
    """Return what has that name in a module that has been imported, or None; of a generic model, that with these types."""
    of, _, maker = name.removesuffix("__").rpartition(".__")
    if maker in _MAKERS:
        model = _loaded(of)
        make = getattr(importlib.import_module(_MAKERS[maker]), maker)
        return make(model) if isinstance(model, type) and issubclass(model, BaseModel) else None
    module_name, _, path = name.partition(":")
    found: Any = sys.modules.get(module_name)
    # One that nobody has written down here, as an annotation, is the model for any types.
    path, types, _ = path.partition("[")
    for part in path.split("."):
        found = getattr(found, part, None)
    below: list[type] = found.__subclasses__() if types and isinstance(found, type) else []
    return next((cls for cls in below if _name(cls) == name), found)


def _moment_text(value: datetime | time) -> str:
    zone = getattr(value.tzinfo, "key", None)
    return " ".join((value.isoformat(), *(_FOLD,) * value.fold, *([zone] if isinstance(zone, str) else ())))


def _moment(cls: Any, text: str) -> Any:
    iso, *more = text.split(" ")
    moment = cls.fromisoformat(iso)
    if _FOLD in more:
        moment = moment.replace(fold=1)
    for zone in more:
        # Few moments have one. Where it is not known here, or has other rules by now, its offset is.
        from zoneinfo import ZoneInfo

        with contextlib.suppress(Exception):
            there = moment.replace(tzinfo=ZoneInfo(zone))
            if there.utcoffset() == moment.utcoffset():
                return there
    return moment


def _of_class(base: type, text: str, name: Any) -> Any:
    found, (_, _, back) = _loaded(str(name)), _AS_TEXT[base]
    if isinstance(found, type) and issubclass(found, base):
        with contextlib.suppress(Exception):
            return back(found, text)
    return back(base, text)


def _model(name: str, fields: Any, made: Callable[[type, Any], Any]) -> Any:
    found = _loaded(name)
    if not is_model(found):
        return fields
    try:
        return made(found, fields)
    except Exception:
        logger.warning("a value of %s that was kept does not fit the class of today; its fields are given", name)
        return fields


def _container(name: str, plain: Any) -> Any:
    found: Any = _loaded(name)
    is_there = isinstance(found, type) and issubclass(found, Mapping | list | tuple)
    try:
        return found(plain) if is_there else plain
    except Exception:
        logger.warning("a container of %s that was kept does not fit the class of today; a plain one is given", name)
        return plain


def _defaults(name: str | None, plain: Any) -> Any:
    factory = None if name is None else _loaded(name)
    # Nothing but a class is called for what is in a file.
    return defaultdict(factory, plain) if name is None or isinstance(factory, type) else plain


def _path(name: str, text: str) -> Any:
    found = _loaded(name)
    try:
        return found(text) if isinstance(found, type) and issubclass(found, PurePath) else Path(text)
    except Exception:
        # Another system's.
        return Path(text)


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


#: How a model is made of what it is kept as.
_MADE: Final[Mapping[str, Callable[[type, Any], Any]]] = {
    "fields": from_form,
    "parts": from_parts,
    "held": from_held,
}
#: The two keys of a form, in the order of the alphabet, and the way back.
_PAIRS: Final[Mapping[tuple[str, ...], Callable[[Any, Any], Any]]] = {
    (_MODEL, "fields"): lambda name, fields: _model(str(name), fields, from_form),
    (_MODEL, "parts"): lambda name, parts: _model(str(name), decode_value(parts), from_parts),
    (_MODEL, "held"): lambda name, parts: _model(str(name), decode_value(parts), from_held),
    (_NAMED, "items"): lambda name, items: _named(str(name), decode_value(items)),
    (_MEMBER, "value"): lambda name, value: _member(str(name), decode_value(value)),
    (_CONTAINER, "items"): lambda name, items: _container(str(name), decode_value(items)),
    (_DEFAULTS, "items"): lambda name, items: _defaults(name, decode_value(items)),
    (_PATH, "class"): lambda text, name: _path(str(name), text),
    **{(form, "class"): functools.partial(_of_class, cls) for cls, (form, _, _) in _AS_TEXT.items()},
    ("$deque", "maxlen"): lambda items, maxlen: deque(_items(items), maxlen),
}
