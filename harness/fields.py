"""Fields of flows and LLMs: what a subclass annotates is a keyword of its constructor, with a default, as on a pydantic model."""

from __future__ import annotations

import copy
import functools
import inspect
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final, TypeVar, TypeVarTuple, cast, get_origin, get_type_hints

from pydantic import AliasChoices, BaseModel, ConfigDict, ValidationError, create_model, field_validator
from pydantic.fields import FieldInfo, ModelPrivateAttr

from harness.annotations import annotations_of
from harness.errors import UsageError
from harness.validation import first_fault

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_ANY_TYPE: Final = ConfigDict(arbitrary_types_allowed=True)
#: Stands where there is no value.
NOTHING: Final[Any] = object()


def take_fields(flow: Any, root: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give a flow the fields of its class, from `options` or from their defaults; return the options that are none.

    `root` is the class whose own annotations are no fields, but where a subclass gives such a name a value. What has
    neither an option nor a default is left to the subclass's constructor.

    Raises:
        UsageError: a value does not fit its annotation; the message names the field.
    """
    cls: Any = type(flow)
    rest = dict(options)
    fields = _fields(cls, root)
    given = {name: rest.pop(alias) for name in fields for alias in _spellings(cls, root, name) if alias in rest}
    fitting = _fitting(cls, root, given)
    values: dict[str, Any] = {}
    for name in fields:
        default = getattr(cls, name, NOTHING)
        value = fitting[name] if name in fitting else _of_its_own(default, values)
        if value is not NOTHING:
            setattr(flow, name, value)
        values[name] = default if value is NOTHING else value
    for name, private in _private(cls).items():
        factory = cast("Callable[[], Any] | None", private.default_factory)
        made = copy.deepcopy(private.default) if factory is None else factory()
        setattr(flow, name, made)
    return rest


def field_names(cls: Any, root: Any) -> tuple[str, ...]:
    """Return the names of the fields of a flow class, those of base classes first."""
    return tuple(_fields(cls, root))


def is_field(cls: type, name: str) -> bool:
    """Return whether a class says of a name what pydantic's `Field(…)` has it be."""
    return isinstance(getattr(cls, name, None), FieldInfo)


def dumped_fields(flow: Any, root: Any, **options: Any) -> dict[str, Any]:
    """Return the fields of a flow that have a value, by name, as pydantic dumps a model of them with these options."""
    cls: Any = type(flow)
    values = {name: getattr(flow, name, NOTHING) for name in _fields(cls, root)}
    held = {name: value for name, value in values.items() if value is not NOTHING and not isinstance(value, FieldInfo)}
    names = tuple(name for name in held if not hasattr(BaseModel, name))
    return _model(cls, root, names).model_construct(**held).model_dump(**options)


def kept_with_class(function: Callable[[Any, *Ts], T]) -> Callable[[Any, *Ts], T]:
    """Return a function of a class that keeps what it returns for as long as there is that class.

    Many are made inside of functions, and hold what these know.
    """
    kept: weakref.WeakKeyDictionary[type, dict[tuple[Any, ...], T]] = weakref.WeakKeyDictionary()

    @functools.wraps(function)
    def known(cls: Any, *args: *Ts) -> T:
        of_class = kept.setdefault(cls, {})
        if args not in of_class:
            of_class[args] = function(cls, *args)
        return of_class[args]

    return known


def hiding_class(cls: type, name: str) -> type | None:
    """Return the class, among `cls` and its bases, whose plain value hides the descriptor that a base has under `name`."""
    first = next(base for base in cls.__mro__ if name in vars(base))
    return None if hasattr(vars(first)[name], "__get__") else first


@kept_with_class
def _fields(cls: Any, root: Any) -> Mapping[str, Any]:
    known = {name for base in root.__mro__ for name in (*vars(base), *annotations_of(base))}
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base in root.__mro__:
            continue
        for name, annotation in annotations_of(base).items():
            # What the root has, too, and is given no value here, is only told the type of.
            if not name.startswith("_") and (name not in known or name in found or name in vars(base)):
                found[name] = _meant(base, annotation)
    return {
        name: annotation for name, annotation in found.items() if ClassVar not in (annotation, get_origin(annotation))
    }


def _meant(cls: type, annotation: Any) -> Any:
    """Return an annotation with what its texts name; one that names what is not there, as a function's own class, says nothing."""
    alone = type(cls.__name__, (), {"__annotations__": {"field": annotation}, "__module__": cls.__module__})
    try:
        return get_type_hints(alone, include_extras=True)["field"]
    except Exception:
        written = annotation if isinstance(annotation, str) else str(get_origin(annotation))
        return ClassVar if written.partition("[")[0].endswith("ClassVar") else Any


@kept_with_class
def _private(cls: Any) -> Mapping[str, ModelPrivateAttr]:
    return {
        name: value
        for base in reversed(cls.__mro__)
        for name, value in vars(base).items()
        if isinstance(value, ModelPrivateAttr)
    }


@kept_with_class
def _spellings(cls: Any, root: Any, name: str) -> tuple[str, ...]:
    """Return the names under which a field is given: its own, and before it those of its `Field(…)`."""
    sources = (getattr(cls, name, None), *getattr(_fields(cls, root)[name], "__metadata__", ()))
    return (*(alias for info in sources if isinstance(info, FieldInfo) for alias in aliases(info)), name)


def aliases(info: FieldInfo) -> Iterator[str]:
    """Give the other names under which a field is given, as its `Field(…)` has them."""
    alias = info.validation_alias
    for choice in alias.choices if isinstance(alias, AliasChoices) else (alias,):
        if isinstance(choice, str):
            yield choice


def _of_its_own(default: Any, values: dict[str, Any]) -> Any:
    """Return what a flow gets for a default that it can't share with the others of its class; `NOTHING` for any other."""
    if isinstance(default, FieldInfo):
        required = default.is_required()
        return NOTHING if required else default.get_default(call_default_factory=True, validated_data=values)
    # What one flow adds to it is no other's.
    return copy.deepcopy(default) if isinstance(default, list | dict | set) else NOTHING


def _fitting(cls: Any, root: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    # No model can have a field of these names.
    odd = {name: value for name, value in given.items() if hasattr(BaseModel, name)}
    names = tuple(name for name in given if name not in odd)
    if _validators(cls, root):
        # What checks one field may look at those before it, whether given or not.
        names = tuple(name for name in _fields(cls, root) if name in names or _has_default(cls, name))
    if not names:
        return odd
    try:
        fitting = dict(_model(cls, root, names).model_validate(given, by_alias=True, by_name=True))
    except ValidationError as error:
        raise UsageError(first_fault(error, cls.__name__)) from error
    return {**{name: value for name, value in fitting.items() if name in given or is_field(cls, name)}, **odd}


def _has_default(cls: Any, name: str) -> bool:
    """Return whether a class has a default for a field that a model can have, too."""
    default = getattr(cls, name, ...)
    required = default.is_required() if isinstance(default, FieldInfo) else default is ...
    return not (required or hasattr(BaseModel, name) or inspect.isdatadescriptor(default))


@kept_with_class
def _model(cls: Any, root: Any, names: tuple[str, ...]) -> type[BaseModel]:
    """Return a model of these fields of a class."""
    fields: dict[str, Any] = {name: (_fields(cls, root)[name], getattr(cls, name, ...)) for name in names}
    with warnings.catch_warnings():
        # A field may have the name of one of pydantic's own attributes.
        warnings.simplefilter("ignore", UserWarning)
        return create_model(cls.__name__, __config__=_ANY_TYPE, __validators__=_validators(cls, root), **fields)


@kept_with_class
def _validators(cls: Any, root: Any) -> dict[str, Callable[..., Any]]:
    """Return what checks the fields of a class by pydantic's decorator, for a model of any of them.

    Raises:
        UsageError: a validator would check nothing, as one of a whole model, or of what is no field.
    """
    found: dict[str, Callable[..., Any]] = {}
    for name in dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base)):
        written: Any = inspect.getattr_static(cls, name)
        # What pydantic's decorators make, whose class has no public name.
        if type(written).__name__ != "PydanticDescriptorProxy":
            continue
        info, kind = written.decorator_info, written.decorator_info.decorator_repr
        if kind == "@field_validator":
            for field in {*info.fields} - {"*", *_fields(cls, root)} if info.check_fields is not False else ():
                raise UsageError(
                    f"{cls.__name__}.{name} is to check {field!r}, which is no field of the class: annotate it there, with a default"
                )
            # Called with this class, and not with the model.
            bound: Any = staticmethod(getattr(cls, name))
            validator: Any = field_validator(*info.fields, mode=info.mode, check_fields=False)
            found[name] = validator(bound)
        elif kind.endswith("validator"):
            raise UsageError(
                f"{cls.__name__}.{name} is a {kind}, which nothing calls here: check fields by @field_validator, and all of them "
                "together in model_post_init"
            )
    return found
