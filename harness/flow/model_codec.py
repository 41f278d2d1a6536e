"""Models and dataclasses as JSON from which they come back: as they write themselves, or, where that says less, field by field."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

import orjson
from pydantic import BaseModel, TypeAdapter

from harness.frames.codec import encode


def is_model(cls: Any) -> bool:
    """Whether instances of `cls` are models here."""
    return isinstance(cls, type) and (issubclass(cls, BaseModel) or dataclasses.is_dataclass(cls))


def own_form(value: Any) -> dict[str, Any] | None:
    """Return what a model writes itself as, if that is JSON; else None."""
    cls: Any = type(value)
    try:
        written = _adapter(cls).dump_python(value, mode="json")
    except Exception:
        return None
    return written if isinstance(written, dict) and _is_json(written) else None


def from_form(cls: type, form: Any) -> Any:
    """Return the model that its own form is of. Raises what the class has against it."""
    return _adapter(cls).validate_python(form, by_alias=True, by_name=True)


def from_parts(cls: type, parts: dict[str, Any]) -> Any:
    """Return the model that has these fields. Raises what the class has against it."""
    # What a dataclass is given is what it holds, whatever it says of that.
    return cls(**parts) if dataclasses.is_dataclass(cls) else from_form(cls, parts)


def round_trips(value: Any, form: Any) -> bool:
    """Whether a model is what its class makes of a form, each field of the same class."""
    try:
        made = from_form(type(value), form)
        # A member of an enum may equal what it is written as.
        kinds = ([type(part) for _, part in _fields(model)] for model in (made, value))
        return bool(made == value) and next(kinds) == next(kinds)
    except Exception:
        return False


def accepts_parts(cls: type, parts: dict[str, Any]) -> bool:
    """Whether these are fields that a model can have."""
    try:
        from_parts(cls, parts)
    except Exception:
        return False
    return True


def parts_of(value: Any, encode_part: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the fields of a model, each as `encode_part` has it. Raises what that raises."""
    return {name: encode_part(part) for name, part in _fields(value)}


def holds_form(value: Any, form: dict[str, Any]) -> bool:
    """Whether all that a model holds is JSON, and a form is that: its class then gives it back, and need not be asked."""
    fields = dict(_fields(value))
    return fields == form and all(map(_is_plain, fields.values()))


def _is_json(written: dict[str, Any]) -> bool:
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
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            # What a class leaves out of what is written is left out here as well.
            if not field.exclude:
                yield name, getattr(value, name)
        yield from (value.__pydantic_extra__ or {}).items()
    else:
        for part in dataclasses.fields(value):
            if part.init:
                yield part.name, getattr(value, part.name)


@functools.lru_cache(maxsize=256)
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)
