"""The values of a run as JSON, and back: what methods returned, for a run that goes on in another process.

JSON values come back as they were. Bytes, floats and integers beyond JSON's, and text with lone surrogates take the forms
of `harness.frames.codec` and come back too; so do dicts whose keys are no strings, or look like such a form. Tuples and
sets come back as lists, in keys as text, and times as text. A pydantic model or a dataclass is kept with the name of its class, and comes back
as one where that class has been imported by then: nothing is imported for it, and where it has not, its fields come back
as a dict. Anything else is a description of itself.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import functools
import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from harness.frames.codec import MAX_DEPTH, decoded_text, encode

logger = logging.getLogger("harness")
_MODEL: Final = "$model"


def kept(value: Any, depth: int = 0) -> Any:
    """Return `value` as JSON that shares nothing with it; `depth` is for itself. Never raises."""
    below = depth + 1
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping):
            if all(isinstance(key, str) and not key.startswith("$") and encode(key) == key for key in value):
                return {key: kept(item, below) for key, item in value.items()}
            return {"$map": [[kept(key, below), kept(item, below)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return [kept(item, below) for item in value]
        if _is_model(type(value)):
            fields = _dumped(value)
            if fields is not None:
                return {_MODEL: f"{type(value).__module__}:{type(value).__qualname__}", "fields": fields}
    return copy.deepcopy(encode(value))


def unkept(value: Any) -> Any:
    """Return the value that `kept` was given, as far as the form of each part allows."""
    if isinstance(value, list):
        return [unkept(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_MODEL, "fields"}:
        return _model(str(value[_MODEL]), value["fields"])
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


_FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$map": _map,
    "$bytes": lambda text: base64.b64decode(text),
    "$float": float,
    "$int": lambda text: int(text, 16 if "0x" in text else 10),
    "$text": lambda text: decoded_text({"$text": text}),
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


def _model(name: str, fields: Any) -> Any:
    module_name, _, path = name.partition(":")
    found: Any = sys.modules.get(module_name)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and _is_model(found)):
        return fields
    try:
        return _adapter(found).validate_python(fields)
    except Exception:
        logger.warning("a value of %s that was kept does not fit the class of today; its fields are given", name)
        return fields
