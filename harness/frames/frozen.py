"""Containers that hold JSON and can't be changed.

They are real dicts and lists, so every JSON library, `==` and `isinstance` treat them as such; only the ways to change
them are closed. `copy()` and `copy.deepcopy()` give plain, changeable containers.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

_HOLDS: Final = (dict, list, tuple)


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} can't be changed: it is shared by all who read it; change a copy()")


class FrozenDict(dict[str, Any]):
    """A dict of JSON values, closed to change (clause `envelope.immutable`)."""

    __slots__ = ()

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def copy(self) -> dict[str, Any]:
        """Return a plain dict of the same items; nested containers stay frozen."""
        return dict(self)

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return {key: _thawed(value) for key, value in self.items()}

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}


class FrozenList(list[Any]):
    """A list of JSON values, closed to change (clause `envelope.immutable`)."""

    __slots__ = ()

    __setitem__ = __delitem__ = append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __iadd__ = __imul__ = _refuse

    def copy(self) -> list[Any]:
        """Return a plain list of the same items; nested containers stay frozen."""
        return list(self)

    def __deepcopy__(self, memo: object) -> list[Any]:
        return [_thawed(value) for value in self]

    def __reduce__(self) -> tuple[type[FrozenList], tuple[list[Any]]]:
        return FrozenList, (list(self),)


def freeze(value: Any) -> Any:
    """Return `value`, JSON as a parser gives it, with every container in it frozen."""
    # Nearly all values are scalars, which are not worth a call.
    if isinstance(value, dict):
        return FrozenDict({key: freeze(item) if isinstance(item, _HOLDS) else item for key, item in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList(freeze(item) if isinstance(item, _HOLDS) else item for item in value)
    return value


def _thawed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _thawed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_thawed(item) for item in value]
    return value
