"""What every part of a declaration is."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from harness.validation import UserModel

#: `module:qualname` of what is imported when the flow is made.
Reference: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
Values: TypeAlias = dict[str, Any]


class Declared(UserModel):
    """A part of a declaration; a key that it does not know is a mistake, and one whose value is null is not there."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if value is not None}
