"""Models that are filled when somebody looks at them.

Most events of a run are never looked at, and of most frames nothing but the text is: what they hold is kept as a compact
record, and becomes a pydantic model's fields when the first of them is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from harness.validation import UserModel


class LazyModel(UserModel):
    """A model that may stand on a record instead of fields.

    It is then filled by the first look at a field or at `__dict__`, which is what pydantic itself looks at to compare,
    dump, copy or pickle a model. A model that was validated has its fields from the start.
    """

    __slots__ = ("_lazy_record", "_lazy_settled")

    if TYPE_CHECKING:

        @property
        def _lazy_record(self) -> Any:
            """What the fields are to be taken from; None where the model has them."""

        @property
        def _lazy_settled(self) -> Any:
            """What a record is to have of the fields, where that was made before; see `harness.frames.payload.settle`."""

    def _lazy_fill(self, record: Any) -> None:
        """Take the fields from the record, by `set_fields`, and let go of it."""
        raise NotImplementedError

    def _lazy_all(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields with those that are made anew for each reader."""
        return fields

    # Hidden from type checkers: to them, fields are there from the start.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in ("_lazy_record", "_lazy_settled"):
                return None
            record = self._lazy_record
            if record is not None:
                self._lazy_fill(record)
            # Another thread may have filled it since the name was looked for.
            with suppress(AttributeError):
                return object.__getattribute__(self, name)
            return super().__getattr__(name)

        @property
        def __dict__(self) -> dict[str, Any]:
            # A user's class may have a `__getattr__` that knows of no record.
            record = getattr(self, "_lazy_record", None)
            if record is not None:
                self._lazy_fill(record)
            return self._lazy_all(fields_of(self))

        @__dict__.setter
        def __dict__(self, values: dict[str, Any]) -> None:
            _set_fields(self, values)
            # Who looks for a record finds that there is none: `__getattr__`, asked with each event, would cost more.
            set_record(self, None)


# What pydantic keeps in a model, without the detour over its `__setattr__`, which looks everything up by name.
_set_fields, _set_fields_set, _set_extra, _set_private = (
    BaseModel.__dict__[name].__set__
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
#: Returns the fields that a model has, and fills none.
fields_of: Callable[[BaseModel], dict[str, Any]] = BaseModel.__dict__["__dict__"].__get__
#: Puts a model on a record, or, with None, takes it off.
set_record: Callable[[LazyModel, Any], None] = LazyModel.__dict__["_lazy_record"].__set__
#: Keeps with a model what a record is to have of its fields.
set_settled: Callable[[LazyModel, Any], None] = LazyModel.__dict__["_lazy_settled"].__set__


def set_fields(model: LazyModel, values: dict[str, Any], fields_set: set[str]) -> None:
    """Give `model` its fields, which are valid by construction: nothing is validated."""
    _set_fields(model, values)
    _set_fields_set(model, fields_set)
    _set_extra(model, None)
    _set_private(model, None)
