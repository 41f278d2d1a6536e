"""Models and dataclasses as JSON from which they come back: as they write themselves, or, where that says less, field by field."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeGuard

import orjson
from pydantic import BaseModel, TypeAdapter

from harness.errors import RunCancelled
from harness.frames.codec import encode, excluded_fields

#: What has no form of its own.
NO_FORM: Final = object()


def is_model(cls: Any) -> bool:
    """Whether instances of `cls` are models here."""
    return isinstance(cls, type) and (issubclass(cls, BaseModel) or dataclasses.is_dataclass(cls))


def has_types(cls: Any) -> bool:
    """Whether `cls` is a generic model with types in the place of its variables."""
    return bool(getattr(cls, "__pydantic_generic_metadata__", {}).get("origin"))


def own_form(value: Any, field: str | None = None) -> Any:
    """Return what a model writes itself as, if that is JSON: an object, or of a root model what its root is; else NO_FORM.

    With `field` that is an object with this field alone.
    """
    cls: Any = type(value)
    only = None if field is None else {field}
    try:
        written = _adapter(cls).dump_python(value, mode="json", warnings=False, include=only)
    except (RunCancelled, KeyboardInterrupt):
        raise
    except BaseException:
        # Pydantic's core panics, with no Exception, where another thread puts something into a dict meanwhile.
        return NO_FORM
    is_whole = isinstance(written, dict) or _is_root(cls)
    return written if is_whole and _is_json(written) else NO_FORM


def from_form(cls: type, form: Any) -> Any:
    """Return the model that its own form is of. Raises what the class has against it."""
    return _adapter(cls).validate_python(form, by_alias=True, by_name=True)


def from_parts(cls: type, parts: dict[str, Any]) -> Any:
    """Return the model that its class makes of these fields. Raises what the class has against it."""
    if dataclasses.is_dataclass(cls):
        # What a dataclass is given is what it holds, whatever it says of that.
        excluded = excluded_fields(cls)
        names = [part.name for part in dataclasses.fields(cls) if part.init and part.name not in excluded]
        return cls(**{name: parts[name] for name in names})
    return from_form(cls, parts["root"] if _is_root(cls) else parts)


def from_held(cls: type, parts: dict[str, Any]) -> Any:
    """Return a model that holds these fields, whatever its class would make of them.

    Raises:
        TypeError: they are not those of the class.
    """
    if dataclasses.is_dataclass(cls):
        _check_names(cls, parts, {part.name for part in dataclasses.fields(cls)})
        made = object.__new__(cls)
        for name, part in parts.items():
            object.__setattr__(made, name, part)
        return made
    model: Any = cls
    fields = model.model_fields.keys() - excluded_fields(cls)
    extra = {name: part for name, part in parts.items() if name not in fields}
    allows_extra = model.model_config.get("extra") == "allow"
    _check_names(cls, parts, fields | extra.keys() if allows_extra else fields)
    # What is not kept of a model is as its class has it.
    made = model.model_construct(**parts)
    vars(made).update((name, parts[name]) for name in fields)
    object.__setattr__(made, "__pydantic_extra__", extra if allows_extra else None)
    return made


def _is_root(cls: Any) -> bool:
    # Not by its base, which most programs never load.
    return issubclass(cls, BaseModel) and cls.__pydantic_root_model__


def _check_names(cls: type, parts: dict[str, Any], known: set[str]) -> None:
    if parts.keys() != known:
        raise TypeError(f"{cls.__qualname__} has the fields {', '.join(sorted(known))}, not {', '.join(sorted(parts))}")


def round_trips(value: Any, form: Any) -> bool:
    """Whether a model is what its class makes of a form, each field of the same class."""
    try:
        made = from_form(type(value), form)
        # A member of an enum may equal what it is written as, and a moment the same one in no zone.
        kinds = (
            [(type(part), getattr(getattr(part, "tzinfo", None), "key", None)) for _, part in _fields(model)]
            for model in (made, value)
        )
        return bool(made == value) and next(kinds) == next(kinds)
    except Exception:
        return False


def parts_of(value: Any, encode_part: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Return the fields of a model, each as `encode_part` has its name and its value. Raises what that raises."""
    return {name: encode_part(name, part) for name, part in _fields(value)}


def _is_json(written: Any) -> bool:
    """Do as `_is_plain`, with what has been made of JSON's own classes: without looking at each part of it."""
    try:
        text = orjson.dumps(written)
        json.dumps(written, allow_nan=False, check_circular=False)
    except (TypeError, ValueError):
        return False
    return b'"$' not in text or _is_plain(written)


def _is_plain(value: Any) -> TypeGuard[Any]:
    """Whether a value is JSON, of no other class, in which nothing looks like a form of `harness.flow.value_codec`."""
    cls = type(value)
    if cls in (str, int, float):
        return encode(value) is value
    if cls is dict:
        return all(
            type(key) is str and not key.startswith("$") and _is_plain(key) and _is_plain(item)
            for key, item in list(value.items())
        )
    if cls is list:
        return all(_is_plain(item) for item in list(value))
    return value is None or cls is bool


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    # What a class leaves out of what is written is left out here as well.
    excluded = excluded_fields(type(value))
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name not in excluded:
                yield name, getattr(value, name)
        yield from (value.__pydantic_extra__ or {}).items()
    else:
        for part in dataclasses.fields(value):
            # One that its class makes itself may not have been made yet.
            if part.name not in excluded and (part.init or hasattr(value, part.name)):
                yield part.name, getattr(value, part.name)


@functools.lru_cache(maxsize=256)
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)
