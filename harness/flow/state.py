"""A flow's state: a dict with an `id`, or a pydantic model, which gets an `id` where it has none."""

from __future__ import annotations

import copy
import functools
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, get_args, get_origin

from pydantic import AliasChoices, AliasPath, BaseModel, Field, PydanticUserError, ValidationError, create_model
from pydantic_core import PydanticUndefined

from harness.errors import UsageError
from harness.frames.codec import encode
from harness.validation import UserModel, all_faults

AnyState = dict[str, Any] | BaseModel


def new_id() -> str:
    """Return an id for a state."""
    return str(uuid.uuid4())


class FlowState(UserModel):
    """A base for states that are models; it brings the `id`."""

    id: str = Field(default_factory=new_id)


def declared_type(cls: Any, root: type) -> Any:
    """Return what stands in `Flow[…]` above `cls`; None where nothing does, or `Any`. `root` is the flow class itself.

    `cls` may be one with types in the place of its variables.
    """
    of_class: Any = get_origin(cls) or cls
    given: dict[type, tuple[Any, ...]] = {of_class: get_args(cls)}
    for base in of_class.__mro__:
        known = dict(zip(getattr(base, "__parameters__", ()), given.get(base, ()), strict=False))
        bases = base.__dict__.get("__orig_bases__", ())
        for written in (cls, *bases) if base is root else bases:
            origin = get_origin(written)
            if not (isinstance(origin, type) and issubclass(origin, root)):
                continue
            arguments = tuple(
                known.get(part, part) if isinstance(part, TypeVar) else part for part in get_args(written)
            )
            if origin is not root:
                given.setdefault(origin, arguments)
            elif not isinstance(arguments[0], TypeVar) and arguments[0] is not Any:
                return arguments[0]
    return None


def new_state(declared: Any, owner: str) -> AnyState:
    """Return a state of its own for a flow, from what it declares: a type, a dict, a model's instance or None.

    Raises:
        UsageError: it is none of these, or a model that needs values to begin with.
    """
    kind = get_origin(declared) or declared
    # What says its keys, a TypedDict or a dict of somebody's own, is a plain dict here.
    if declared is None or (isinstance(kind, type) and issubclass(kind, dict)):
        return {"id": new_id()}
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        try:
            return _identified(with_id(declared).model_validate({}))
        except ValidationError as error:
            raise UsageError(
                f"the state of {owner} can't be made: {all_faults(error)}. Give each field of {declared.__name__} a "
                "default, or an instance as initial_state"
            ) from error
    if isinstance(declared, dict):
        return _identified({key: own_copy(value) for key, value in declared.items()})
    if isinstance(declared, BaseModel):
        return _identified(_instance_with_id(declared))
    raise UsageError(f"the state of {owner} is a dict or a pydantic model, not {declared!r}")


def with_inputs(state: AnyState, inputs: dict[str, Any], owner: str) -> AnyState:
    """Return `state` with `inputs` in it, validated where it is a model. The given one is left as it is.

    What the inputs do not change, by themselves or by what the model's class makes of them, stays as it is held, whatever
    the class would make of that.

    Raises:
        UsageError: an input does not fit; the message names the field.
    """
    if isinstance(state, dict):
        return {**state, **inputs}
    model = type(state)
    if _makes_id(model):
        # What a run is found by is none of its fields.
        inputs = {name: value for name, value in inputs.items() if name != "id"}
    held = {name: getattr(state, name) for name in model.model_fields} | (state.__pydantic_extra__ or {})
    try:
        base = _made(model, held)
    except Exception:
        # As where a validator takes text and makes a list of it.
        held, base = {}, None
    given = {name for name, field in model.model_fields.items() if _is_given(name, field.validation_alias, inputs)}
    try:
        made = _made(model, {name: value for name, value in held.items() if name not in given} | inputs)
    except ValidationError as error:
        raise UsageError(f"Invalid inputs for structured state: {all_faults(error)} (inputs of {owner})") from error
    if base is None:
        changed = made.model_fields_set & model.model_fields.keys()
    else:
        changed = {name for name in model.model_fields if _differ(getattr(made, name), getattr(base, name))} | given
    taken = state.model_copy(update={name: getattr(made, name) for name in changed} | (made.__pydantic_extra__ or {}))
    # What has been computed of the fields before, as by a cached property, is computed anew.
    for name in vars(taken).keys() - model.model_fields.keys():
        del vars(taken)[name]
    if base is not None and taken.__pydantic_private__:
        private, before = made.__pydantic_private__ or {}, base.__pydantic_private__ or {}
        taken.__pydantic_private__.update(
            (name, value) for name, value in private.items() if _differ(value, before.get(name))
        )
    return taken


def _made(model: type[BaseModel], values: dict[str, Any]) -> BaseModel:
    return model.model_validate(values, by_alias=True, by_name=True)


def _is_given(name: str, alias: str | AliasPath | AliasChoices | None, inputs: dict[str, Any]) -> bool:
    """Whether a field is among the inputs, by its name or by another that it has outside."""
    choices = alias.choices if isinstance(alias, AliasChoices) else [name if alias is None else alias]
    return name in inputs or any(
        choice in inputs if isinstance(choice, str) else choice.search_dict_for_path(inputs) is not PydanticUndefined
        for choice in choices
    )


def _differ(left: Any, right: Any) -> bool:
    try:
        return left is not right and bool(left != right)
    except Exception:
        # As arrays, which are compared number by number.
        return True


def field_of(state: AnyState | None, name: str) -> Any:
    """Return a field of a state, or None where it has none of that name."""
    return state.get(name) if isinstance(state, Mapping) else getattr(state, name, None)


def set_field(state: AnyState | None, name: str, value: Any) -> None:
    """Set a field of a state; a model that has none of that name is left as it is."""
    if isinstance(state, dict):
        state[name] = value
    elif hasattr(state, name):
        setattr(state, name, value)


def id_of(state: AnyState) -> str:
    """Return the id of a state."""
    return str(state["id"] if isinstance(state, dict) else cast("Any", state).id)


def snapshot(state: AnyState) -> Any:
    """Return the state as frozen JSON, as it is now: what an event says must not change with the run."""
    # A copy in one step, since other methods may be adding keys in their threads.
    return encode(dict(state) if isinstance(state, dict) else state)


class SavedState(dict[str, Any]):
    """A state as JSON; nobody else holds it."""


def saved_state(state: AnyState) -> SavedState:
    """Return a state as JSON to be kept, as it is now; nobody else holds it.

    A model says itself what it looks like, where that gives it back; what JSON can't hold takes the forms of
    `harness.flow.value_codec`.

    Raises:
        UsageError: something in it would not come back.
    """
    # Most runs keep nothing.
    from harness.flow.value_codec import encode_exactly, encode_model

    if isinstance(state, BaseModel):
        return SavedState(encode_model(state, "the state"))
    saved = SavedState()
    for key, value in dict(state).items():
        if not isinstance(key, str):
            raise UsageError(f"the state has the key {key!r}, which can't be kept: its keys are text")
        # Of an enum, perhaps.
        saved[str.__str__(key)] = encode_exactly(value, f"state[{key!r}]")
    return saved


def with_saved(state: AnyState, saved: dict[str, Any], owner: str) -> AnyState:
    """Return what was kept as a state of the same kind as `state`.

    Raises:
        UsageError: it does not fit the model; the message names the field.
    """
    from harness.flow.value_codec import decode_model, decode_value

    if isinstance(state, dict):
        return {key: decode_value(value) for key, value in saved.items()}
    try:
        return decode_model(type(state), saved)
    except ValidationError as error:
        raise UsageError(f"a state that was kept does not fit {owner}: {all_faults(error)}") from error


def _identified(state: Any) -> AnyState:
    """Return `state` with a value in its `id`."""
    if isinstance(state, dict):
        return state if state.get("id") else {**state, "id": new_id()}
    return cast("BaseModel", state if state.id else state.model_copy(update={"id": new_id()}))


@functools.lru_cache(maxsize=256)
def with_id(model: type[BaseModel]) -> type[BaseModel]:
    """Return `model`, or a subclass of the same name with an `id`, where it has none as a field or a property.

    Raises:
        UsageError: it can have none, as a root model.
    """
    if "id" in model.model_fields or _makes_id(model):
        return model
    try:
        made = create_model(model.__name__, __base__=(FlowState, model), __module__=model.__module__)
    except (PydanticUserError, TypeError, NameError) as error:
        raise UsageError(f"{model.__name__} is no model for a state, which needs an id: {error}") from error
    return made_again(made, model, with_id)


def made_again(
    made: Any, model: type[BaseModel], make: Callable[[type[BaseModel]], type[BaseModel]]
) -> type[BaseModel]:
    """Return the class that a maker has made of a user's model, to be made of that again where a state of it is read."""
    made.__qualname__ = f"{model.__qualname__}.__{make.__name__}__"
    made.__reduce__ = lambda state: (_unpickled, (make, model), state.__getstate__())
    return cast("type[BaseModel]", made)


def _unpickled(make: Callable[[type[BaseModel]], type[BaseModel]], model: type[BaseModel]) -> BaseModel:
    made = make(model)
    return made.__new__(made)


def _makes_id(model: type[BaseModel]) -> bool:
    """Whether a model makes its `id` of its fields."""
    return isinstance(getattr(model, "id", None), property)


def _instance_with_id(state: BaseModel) -> BaseModel:
    own = cast("BaseModel", own_copy(state))
    model = with_id(type(state))
    if model is type(state):
        return own
    held = {**vars(own), **(own.__pydantic_extra__ or {})}
    made = model.model_construct(own.model_fields_set | {"id"}, **{"id": new_id(), **held})
    if made.__pydantic_private__ is not None:
        made.__pydantic_private__.update(own.__pydantic_private__ or {})
    return made


def own_copy(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """Return a copy, so that instances of a flow class share nothing; the value itself where it can't be copied."""
    try:
        return copy.deepcopy(value, memo)
    except Exception:
        return value
