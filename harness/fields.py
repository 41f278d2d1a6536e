"""Fields of flows and LLMs: what a subclass annotates is a keyword of its constructor, with a default, as on a pydantic model."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, cast, get_origin

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo, ModelPrivateAttr

from harness.errors import UsageError
from harness.validation import first_fault

_ANY_TYPE: Final = ConfigDict(arbitrary_types_allowed=True)


def take_fields(flow: Any, root: Any, options: dict[str, Any]) -> None:
    """Give a flow the fields of its class, from `options`, which lose them, or from their defaults.

    `root` is the class whose own annotations are no fields. What has neither is left to the subclass's constructor.

    Raises:
        UsageError: a value does not fit its annotation; the message names the field.
    """
    cls: Any = type(flow)
    for name, annotation in _fields(cls, root).items():
        default = getattr(cls, name, None)
        if name in options:
            meant = Annotated[annotation, default] if isinstance(default, FieldInfo) else annotation
            setattr(flow, name, _fitting(f"{cls.__name__}.{name}", meant, options.pop(name)))
        elif isinstance(default, FieldInfo):
            if not default.is_required():
                setattr(flow, name, default.get_default(call_default_factory=True))
        elif isinstance(default, list | dict | set):
            # Of its own: what one flow adds to it is no other's.
            setattr(flow, name, copy.deepcopy(default))
    for name, private in _private(cls).items():
        factory = cast("Callable[[], Any] | None", private.default_factory)
        made = copy.deepcopy(private.default) if factory is None else factory()
        setattr(flow, name, made)


def field_names(cls: Any, root: Any) -> tuple[str, ...]:
    """Return the names of the fields of a flow class, those of base classes first."""
    return tuple(_fields(cls, root))


@functools.lru_cache(maxsize=512)
def _fields(cls: Any, root: Any) -> Mapping[str, Any]:
    known = {name for base in _mro(root) for name in (*vars(base), *inspect.get_annotations(base))}
    found: dict[str, Any] = {}
    for base in reversed(_mro(cls)):
        if base in _mro(root):
            continue
        for name, annotation in inspect.get_annotations(base).items():
            if not (name.startswith("_") or name in known):
                found[name] = _meant(base, annotation)
    return {
        name: annotation for name, annotation in found.items() if ClassVar not in (annotation, get_origin(annotation))
    }


def _mro(cls: Any) -> tuple[type, ...]:
    return tuple(cls.__mro__)


def _meant(cls: type, annotation: Any) -> Any:
    """Return an annotation that is text as what it says; of classes that are made inside of functions it may say nothing."""
    if not isinstance(annotation, str):
        return annotation
    alone = type(cls.__name__, (), {"__annotations__": {"field": annotation}, "__module__": cls.__module__})
    try:
        return inspect.get_annotations(alone, eval_str=True)["field"]
    except Exception:
        return ClassVar if annotation.partition("[")[0].endswith("ClassVar") else Any


@functools.lru_cache(maxsize=512)
def _private(cls: Any) -> Mapping[str, ModelPrivateAttr]:
    return {
        name: value
        for base in reversed(_mro(cls))
        for name, value in vars(base).items()
        if isinstance(value, ModelPrivateAttr)
    }


def _fitting(what: str, annotation: Any, value: Any) -> Any:
    try:
        return _adapter(annotation).validate_python(value)
    except ValidationError as error:
        raise UsageError(first_fault(error, what)) from error


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=_ANY_TYPE)
    except PydanticUserError:
        # A type that brings a config of its own.
        return TypeAdapter(annotation)
