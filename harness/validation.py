"""What of a value does not fit where it was given, in this project's words: where, what was expected, what came."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, PydanticUserError, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import from_json, to_json

from harness.errors import UsageError

#: How a place is reached, from the outside in.
Steps = Sequence[str | int]
#: Characters that are shown of a value.
_SHOWN: Final = 60
_OBJECT: Final = "an object"
_LIST: Final = "a list"
#: What is expected, and the kinds of pydantic's errors that say so. What has parameters is below.
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "string_type string_sub_type string_unicode",
        "a whole number": "int_type int_parsing int_from_float int_parsing_size",
        "a number": "float_type float_parsing finite_number decimal_type decimal_parsing",
        "true or false": "bool_type bool_parsing",
        _OBJECT: "dict_type mapping_type model_attributes_type model_type dataclass_type",
        _LIST: "list_type tuple_type set_type frozen_set_type iterable_type sequence_type sequence_str",
        "a date and time in ISO form": "datetime_type datetime_parsing datetime_from_date_parsing",
        "JSON": "json_invalid json_type",
        "a function": "callable_type",
        "bytes": "bytes_type",
        "nothing": "none_required",
        "a UUID": "uuid_type uuid_parsing",
        "a URL": "url_type url_parsing",
    }
)
_EXPECTED: Final = {kind: expected for expected, kinds in _KINDS.items() for kind in kinds.split()}
#: The same for what an error's parameters say.
_LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "greater_than": "more than {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "less than {lt}",
        "less_than_equal": "at most {le}",
        "multiple_of": "a multiple of {multiple_of}",
        "string_too_short": "text of at least {min_length} characters",
        "string_too_long": "text of at most {max_length} characters",
        "string_pattern_mismatch": "text that matches {pattern}",
        "too_short": "at least {min_length} of them",
        "too_long": "at most {max_length} of them",
        "literal_error": "{expected}",
        "enum": "{expected}",
        "is_instance_of": "an instance of {class}",
        "is_subclass_of": "a subclass of {class}",
        "union_tag_not_found": "an object with {discriminator}",
    }
)

#: What stands for a class that callers know by another word.
_INSTANCES: Final[Mapping[str, str]] = MappingProxyType(
    {"Sequence": _LIST, "Mapping": _OBJECT, "FrozenDict": _OBJECT, "BaseException": "an exception"}
)
#: The same for models, which may be given as their fields, too.
_MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {"Agent": "an Agent", "Task": "a Task", "BaseTool": "a tool, as @tool makes one"}
)


def first_fault(error: ValidationError, label: str = "", shown: Callable[[Steps], Steps] | None = None) -> str:
    """Return the first thing that pydantic refuses, as `<label><place>: expected …, not …`.

    What a validator of the caller's own says comes as it was said. Values are shown in short. `shown` leaves out those
    steps of the place that the caller did not write.
    """
    first: dict[str, Any] = {**error.errors(include_url=False)[0]}
    if shown is not None:
        first["loc"] = shown(first["loc"])
    return _with_place(first, label)


def all_faults(error: ValidationError, label: str = "") -> str:
    """Return all that pydantic refuses of `label`, as `first_fault` does."""
    found = error.errors(include_url=False)
    text = "; ".join(_with_place(fault, "", whole="" if label else "the whole") for fault in found)
    # What is said of the whole says whose it is.
    return f"{label}: {text}" if label and any(fault["loc"] for fault in found) else text


def fault_text(found: Mapping[str, Any]) -> str:
    """Return what one of pydantic's errors says, without its place, and without a value where it holds none."""
    kind, context = found["type"], found.get("ctx", {})
    if kind == "missing":
        return "expected a value, and none was given"
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", found["msg"]))
    if kind == "union_tag_invalid":
        return f"expected one of {context['expected_tags']} as {context['discriminator']}, not {context['tag']!r}"
    if kind in ("too_short", "too_long"):
        return f"expected {_expected(kind, context)}, not {context['actual_length']}"
    actual = f", not {_shown(found['input'])}" if "input" in found else ""
    return f"expected {_expected(kind, context)}{actual}"


def _with_place(found: Mapping[str, Any], label: str, *, whole: str = "") -> str:
    place = _place(label, found["loc"]) or whole
    return f"{place}: {fault_text(found)}" if place else fault_text(found)


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "model_type" and context["class_name"] in _MODELS:
        return _MODELS[context["class_name"]]
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind == "is_instance_of" and context["class"] in _INSTANCES:
        return _INSTANCES[context["class"]]
    if kind in _LIMITS:
        return re.sub(r"\b1 characters", "1 character", _LIMITS[kind].format_map(context))
    # A kind that pydantic added later, or a part of a larger word.
    return re.sub(r"_(type|parsing|error)$", "", kind).replace("_", " ")


def _place(label: str, steps: Sequence[str | int]) -> str:
    place = label
    for step in steps:
        if isinstance(step, int):
            place += f"[{step}]"
        # Members of unions stand among the steps, and are nothing that a caller wrote.
        elif not re.search(r"[\[(]", step):
            place += f".{step}" if place else step
    return place


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str | int | float | bool):
        shown = repr(value)
        return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple | set):
        return "a list"
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


class UserModel(BaseModel, defer_build=True):
    """A model that users make: its constructor raises UsageError, in this project's words, for what does not fit.

    `model_validate` and its like are pydantic's, and raise what pydantic does.
    """

    __slots__ = ()

    if not TYPE_CHECKING:

        def __init__(self, /, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise UsageError(all_faults(error, type(self).__name__)) from error

        # What stands inside another model is validated by its schema, as on pydantic's own.
        __init__.__pydantic_base_init__ = True


def model_json(model: BaseModel) -> str:
    """Return the JSON of a model, as pydantic writes it, but with the items of sets in one order in every process."""
    text = model.model_dump_json()
    return to_json(_in_order(from_json(text), model)).decode() if _holds_set(model) else text


def _fields(model: BaseModel) -> Any:
    """Return what a model holds, sets as sets, whatever its class has made of `model_dump`."""
    try:
        return BaseModel.model_dump(model, warnings=False)
    except (TypeError, ValueError):  # such as a set of models, which come to dicts, and no set holds those
        return dict(BaseModel.__iter__(model))


def _holds_set(value: Any) -> bool:
    if isinstance(value, BaseModel):
        value = _fields(value)
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, set | frozenset) or (isinstance(value, list | tuple) and any(map(_holds_set, value)))


def _in_order(shown: Any, value: Any) -> Any:
    """Return what JSON there is of a value, with the lists sorted that sets have become."""
    if isinstance(value, BaseModel):
        value = _fields(value)
    if isinstance(shown, dict) and isinstance(value, Mapping) and len(shown) == len(value):
        return {name: _in_order(part, own) for (name, part), own in zip(shown.items(), value.values(), strict=True)}
    if not isinstance(shown, list):
        return shown
    if isinstance(value, set | frozenset):
        return sorted(shown, key=to_json)
    is_same = isinstance(value, list | tuple) and len(shown) == len(value)
    return list(map(_in_order, shown, value)) if is_same else shown


class ObjectSchema(GenerateJsonSchema):
    """Makes schemas that are the same in every process, whatever order the items of a set come in that is a default."""

    def encode_default(self, dft: Any) -> Any:
        """Return a default as JSON."""
        return _in_order(super().encode_default(dft), dft)


def object_schema(model: type[BaseModel], **options: Any) -> dict[str, Any]:
    """Return the JSON Schema of a model as an object, which a model that holds others of its kind only refers to.

    Providers ask for the type of what a tool is given where the schema begins.
    """
    # A class with a schema of its own need not take what makes it.
    parameters = inspect.signature(model.model_json_schema).parameters
    takes = "schema_generator" in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    schema = model.model_json_schema(**({"schema_generator": ObjectSchema, **options} if takes else {}))
    name = schema.pop("$ref", "").rpartition("/")[2]
    return {**schema["$defs"][name], **schema} if name else schema


def answer_schema(model: type[BaseModel], make: Callable[[type[BaseModel]], Any] = object_schema) -> Any:
    """Return the JSON Schema of a response model, as `make` makes it.

    Raises:
        UsageError: it has none, or none that the provider's SDK, where that makes it, can say.
    """
    try:
        return make(model)
    except (PydanticUserError, ValueError, TypeError) as error:
        fault = str(error).partition("\n")[0]
        raise UsageError(f"the response model {model.__name__!r} has no JSON Schema ({fault})") from error
