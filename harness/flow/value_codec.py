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
import json
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr

from harness.errors import UsageError
from harness.flow.class_names import class_name, loaded
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
#: What a form is for: that all of the value comes back, or else it is refused; that as much does as can; or to be compared,
#: which says of a model only what it holds.
_Mode: TypeAlias = Literal["exact", "lenient", "compared"]


def encode_value(value: Any) -> Any:
    """Return `value` as JSON that shares nothing with it. Never raises."""
    return _encode("lenient", 0, value)


def encode_exactly(value: Any, label: str | Callable[[], str]) -> Any:
    """Return `value` as JSON from which it comes back.

    Raises:
        UsageError: something in it would not; the message names that, and `label`, or what that gives, it is in.
    """
    try:
        return _encode("exact", 0, value)
    except _UnencodableError as error:
        raise _refusal(label if isinstance(label, str) else label(), error) from None


def encode_model(value: BaseModel, label: str) -> dict[str, Any]:
    """Return the fields of a model as JSON, of which `decode_model` makes the model again.

    That is how the model writes itself, wherever the class makes the same of it.

    Raises:
        UsageError: it has no such form, and something in it would not come back; the message names that, and `label` it is in.
    """
    try:
        how, fields = _form("exact", 0, value)
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


def _encode(mode: _Mode, depth: int, value: Any) -> Any:
    """Return the form of a value."""
    cls = type(value)
    if cls in _PLAIN or (cls in _SCALARS and encode(value) is value):
        return value
    form_of = functools.partial(_encode, mode, depth + 1)
    if depth < MAX_DEPTH:
        if isinstance(value, enum.Enum):
            return {_MEMBER: class_name(cls), "value": form_of(value.value)}
        base = next((base for base in cls.__mro__ if base in _AS_TEXT), None)
        if base is not None:
            form, text, back = _AS_TEXT[base]
            if cls is base:
                return {form: text(value)}
            if _is_made_again(value, lambda: back(cls, text(value))):
                return {form: text(value), "class": class_name(cls)}
            plain = copy.deepcopy(encode(value))
            return _otherwise(cls, {form: plain} if issubclass(cls, PurePath) else plain, mode)
        # A plain copy of what another thread may be adding to is made in one step.
        if isinstance(value, Mapping):
            items = list(value.items())
            kept: Any
            if all(isinstance(key, str) and not key.startswith("$") and encode(key) == key for key, _ in items):
                kept = {str.__str__(key): form_of(item) for key, item in items}
            else:
                kept = {"$map": [[form_of(key), form_of(item)] for key, item in items]}
            return kept if cls in _JSON else _of_its_class(value, dict(items), kept, mode)
        if cls in _CONTAINERS:
            bound = {} if cls is not deque or value.maxlen is None else {"maxlen": value.maxlen}
            kept = list(map(form_of, list(value)))
            if mode == "compared" and isinstance(value, AbstractSet):
                # Equal sets need not be in one order.
                kept.sort(key=repr)
            return {_CONTAINERS[cls]: kept, **bound}
        if isinstance(value, list | tuple):
            kept = list(map(form_of, value))
            if isinstance(value, tuple) and hasattr(cls, "_make"):
                return {_NAMED: class_name(cls), "items": kept}
            return kept if cls in _JSON else _of_its_class(value, list(value), kept, mode)
        if is_model(cls):
            return {_MODEL: class_name(cls), **_of_model(mode, depth, value)}
    encoded = copy.deepcopy(encode(value))
    has_form = depth < MAX_DEPTH and isinstance(encoded, dict) and not _FORMS.keys().isdisjoint(encoded)
    return encoded if has_form or isinstance(encoded, int | float | str) else _otherwise(cls, encoded, mode)


def _of_its_class(value: Any, plain: Any, kept: Any, mode: _Mode) -> Any:
    """Return the form of a container whose class makes it of a plain one, which is kept so; of any other that, or a refusal."""
    cls = type(value)
    if cls is defaultdict:
        factory = value.default_factory
        name = class_name(factory) if isinstance(factory, type) else None
        if factory is None or (name is not None and loaded(name) is factory):
            return {_DEFAULTS: name, "items": kept}
    if _is_made_again(value, lambda: cls(plain)):
        return {_CONTAINER: class_name(cls), "items": kept}
    return _otherwise(cls, kept, mode)


def _is_made_again(value: Any, make: Callable[[], Any]) -> bool:
    """Whether the class of a value makes the same, and will be found by its name."""
    cls = type(value)
    try:
        made = make()
        is_same = made == value and getattr(made, "__dict__", None) == getattr(value, "__dict__", None)
        return bool(is_same) and type(made) is cls is loaded(class_name(cls))
    except Exception:
        return False


def _otherwise(cls: type, plain: Any, mode: _Mode) -> Any:
    """Return what stands for a value of a class that does not come back, or refuse it."""
    if mode == "exact":
        raise _UnencodableError(f"a {cls.__module__}.{cls.__qualname__}")
    return plain


def _of_model(mode: _Mode, depth: int, value: Any) -> dict[str, Any]:
    if mode == "compared":
        return {"parts": parts_of(value, lambda _, part: _encode(mode, depth + 1, part))}
    how, fields = _form(mode, depth, value)
    return {how: fields}


def _form(mode: _Mode, depth: int, value: Any) -> tuple[str, Any]:
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
            return _encode("exact", depth + 1, part)
        except _UnencodableError as error:
            alone = own_form(value, name)
            located = error.within(f"{type(value).__name__}.{name}")
            if isinstance(alone, dict) and len(alone) == 1:
                refused.append(located)
                return next(iter(alone.values()))
            if mode == "exact":
                raise located from None
        return _encode("lenient", depth + 1, part)

    try:
        kept = parts_of(value, part_form)
    except _UnencodableError:
        if own is NO_FORM:
            raise
        return "fields", own

    # Not whether it equals: what is no number, for one, never does.
    def plain(model: Any) -> dict[str, Any]:
        return parts_of(model, lambda _, part: _encode("compared", depth + 1, part))

    wanted = plain(value)
    ways = {"fields": own, "parts": kept, "held": NO_FORM if refused else kept}
    for way, form in ways.items():
        with contextlib.suppress(Exception):
            if form is not NO_FORM and plain(_MADE[way](type(value), decode_value(form))) == wanted:
                return way, form
    if mode == "exact" and refused and own is NO_FORM:
        raise refused[0]
    return ("parts", kept) if own is NO_FORM else ("fields", own)


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
    # This system's own path, and any other, which comes back as that where its class is not known.
    **dict.fromkeys(
        (type(Path()), PurePath), ("$path", str, lambda cls, text: (Path if cls is PurePath else cls)(text))
    ),
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
    **{form: functools.partial(back, cls) for cls, (form, _, back) in _AS_TEXT.items()},
    "$tuple": lambda items: tuple(_items(items)),
    "$set": lambda items: set(_items(items)),
    "$frozenset": lambda items: frozenset(_items(items)),
    "$deque": lambda items: deque(_items(items)),
}


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


def _text_of_class(base: type, text: str, name: Any) -> Any:
    """Return what a class makes of a text, where it is one below `base`, and what that makes where there is none."""
    found, (_, _, back) = loaded(str(name)), _AS_TEXT[base]
    if isinstance(found, type) and issubclass(found, base):
        with contextlib.suppress(Exception):
            return back(found, text)
    return back(base, text)


def _of_class(
    fits: Callable[[type], bool], make: Callable[[Any, Any], Any], read: Callable[[Any], Any], name: Any, kept: Any
) -> Any:
    """Return what a class makes of what was kept, once that has been read; that itself where the class is none that `fits`."""
    plain, found = read(kept), loaded(str(name))
    if not (isinstance(found, type) and fits(found)):
        return plain
    try:
        return make(found, plain)
    except Exception:
        logger.warning("a value of %s that was kept does not fit the class of today; what it holds is given", name)
        return plain


def _defaults(name: str | None, items: Any) -> Any:
    if name is None:
        return defaultdict(None, decode_value(items))
    # Nothing but a class is called for what is in a file.
    return _of_class(lambda _: True, defaultdict, decode_value, name, items)


#: How a model is made of what it is kept as.
_MADE: Final[Mapping[str, Callable[[type, Any], Any]]] = {
    "fields": from_form,
    "parts": from_parts,
    "held": from_held,
}
#: The two keys of a form, in the order of the alphabet, and the way back.
_PAIRS: Final[Mapping[tuple[str, ...], Callable[[Any, Any], Any]]] = {
    (_MODEL, "fields"): functools.partial(_of_class, is_model, from_form, lambda fields: fields),
    (_MODEL, "parts"): functools.partial(_of_class, is_model, from_parts, decode_value),
    (_MODEL, "held"): functools.partial(_of_class, is_model, from_held, decode_value),
    (_NAMED, "items"): functools.partial(
        _of_class,
        lambda cls: issubclass(cls, tuple) and hasattr(cls, "_make"),
        lambda cls, items: cls._make(items),
        lambda items: tuple(_items(items)),
    ),
    (_MEMBER, "value"): functools.partial(
        _of_class, lambda cls: issubclass(cls, enum.Enum), lambda cls, value: cls(value), decode_value
    ),
    (_CONTAINER, "items"): functools.partial(
        _of_class, lambda cls: issubclass(cls, Mapping | list | tuple), lambda cls, plain: cls(plain), decode_value
    ),
    (_DEFAULTS, "items"): _defaults,
    **{(form, "class"): functools.partial(_text_of_class, cls) for cls, (form, _, _) in _AS_TEXT.items()},
    ("$deque", "maxlen"): lambda items, maxlen: deque(_items(items), maxlen),
}
