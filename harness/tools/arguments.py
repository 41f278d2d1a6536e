"""The arguments of a tool: the model that they must fit, by default made from a function's parameters."""

from __future__ import annotations

import functools
import inspect
import json
import typing
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError

from harness.annotations import annotations_of, signature_of
from harness.errors import UsageError
from harness.validation import ObjectSchema, object_schema

#: The beginnings of names of pydantic's own that no field may have; see its `protected_namespaces`.
_PROTECTED = ("model_dump", "model_validate")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class InferredArguments(BaseModel, defer_build=True):
    """The base of the models that are made from parameters; a tool that has this very one has none of its own yet."""

    #: The parameters whose defaults stand in a Field, of which the function itself knows nothing.
    _in_fields: typing.ClassVar[frozenset[str]] = frozenset()
    #: The parameters that are the function's own matter, which a model can't give either where it may give any others.
    _private: typing.ClassVar[frozenset[str]] = frozenset()


def arguments_of(function: Callable[..., Any], tool_name: str) -> type[BaseModel]:
    """Return a model with a field for each parameter of `function` but `self` and private ones; unannotated ones take anything.

    Raises:
        UsageError: an annotation names what can't be found, or what a model can't give, or a parameter can't be given by
            its name.
    """
    annotated = function
    # What a part of a function was made with is no choice of a model's.
    private: set[str] = set()
    while isinstance(annotated, functools.partial):
        private |= annotated.keywords.keys()
        annotated = annotated.func
    if not inspect.isroutine(annotated) and not inspect.isclass(annotated):
        annotated = type(annotated).__call__
    try:
        hints = typing.get_type_hints(_without_result(annotated), include_extras=True)
    except NameError as error:
        raise UsageError(
            f"the tool {tool_name!r}: an annotation of {annotated.__qualname__} can't be resolved ({error}); define "
            "the type at the top of its module, or give the tool an args_schema"
        ) from error
    fields: dict[str, Any] = {}
    extra: typing.Literal["allow", "ignore"] = "ignore"
    for name, parameter in _signature(function, tool_name).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            extra = "allow"
        if parameter.kind in _VARIADIC or name == "self" or name in private:
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY or name.startswith("_"):
            if default is not ...:
                private.add(name)
                continue
            raise UsageError(
                f"the tool {tool_name!r}: the parameter {name!r} has no name that a model may give it by; leave out the "
                "'/' behind it, or the '_' before it"
            )
        if name == "model_config" or (name.startswith(_PROTECTED) and hasattr(BaseModel, name)):
            raise UsageError(f"the tool {tool_name!r}: the parameter {name!r} has a name of pydantic's own; rename it")
        # Without one of its own the default may stand in a Field that the annotation has.
        fields[name] = (hints.get(name, Any), Field() if default is ... else default)
    with warnings.catch_warnings(), _named_in_errors(tool_name):
        # A parameter may have the name of one of pydantic's own attributes.
        warnings.simplefilter("ignore", UserWarning)
        made: type[InferredArguments] = create_model(
            f"{_identifier(tool_name)}Arguments",
            __base__=_Open if extra == "allow" else InferredArguments,
            **fields,
        )
        # Now, so that an annotation for which there is no schema is told of where the tool is made.
        made.model_json_schema(schema_generator=_Schema)
    made._in_fields = frozenset(name for name, (_, default) in fields.items() if isinstance(default, FieldInfo))
    made._private = frozenset(private)
    return made


def _signature(function: Callable[..., Any], tool_name: str) -> inspect.Signature:
    try:
        return signature_of(function)
    except ValueError as error:
        raise UsageError(f"the tool {tool_name!r}: {error}; write a function that calls it") from error


def _without_result(function: Any) -> Any:
    """Return what has a function's annotations but that of its result, which may name what only a type checker knows."""
    if inspect.isclass(function):
        return function
    hints = {name: hint for name, hint in annotations_of(function).items() if name != "return"}
    return SimpleNamespace(
        __annotations__=hints, __wrapped__=function, __type_params__=getattr(function, "__type_params__", ())
    )


def passed(fitting: InferredArguments) -> dict[str, Any]:
    """Return the arguments that a function is called with; a default of its own is left to it, since it may fill that."""
    names = (fitting.model_fields_set | fitting._in_fields) - fitting._private
    return {name: value for name, value in fitting if name in names}


class _Open(InferredArguments):
    model_config = ConfigDict(extra="allow")


class _Schema(ObjectSchema):
    """Makes schemas without titles that repeat names.

    A default that JSON does not have, such as infinity or a mark for none, is left to the function.
    """

    ignored_warning_kinds = ObjectSchema.ignored_warning_kinds | {"non-serializable-default"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def encode_default(self, dft: Any) -> Any:
        encoded = super().encode_default(dft)
        try:
            json.dumps(encoded, allow_nan=False)
        except ValueError as error:
            raise PydanticSerializationError(str(error)) from error
        return encoded


@contextmanager
def _named_in_errors(tool_name: str) -> Iterator[None]:
    """Raise UsageError, with the tool's name, where arguments have no schema."""
    try:
        yield
    except PydanticUserError as error:
        raise UsageError(
            f"the tool {tool_name!r}: its arguments have no JSON Schema ({str(error).partition(chr(10))[0]}); give it an "
            "args_schema of what a model can write"
        ) from error


def parameters_schema(model: type[BaseModel], tool_name: str) -> dict[str, Any]:
    """Return the JSON Schema of arguments, as models are given it: without the titles that only repeat names.

    Raises:
        UsageError: they have none.
    """
    with _named_in_errors(tool_name):
        schema = object_schema(model, schema_generator=_Schema)
    for part in (schema, *schema.get("$defs", {}).values()):
        # A class's name.
        part.pop("title", None)
    return {name: part for name, part in schema.items() if name != "description"}


def _identifier(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in "".join(c if c.isalnum() else " " for c in name).split())
