"""What agents, tasks and crews are made of: their options, with a word for those that have no effect here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from harness.errors import UsageError
from harness.misfit import misfits

#: How alike an unknown keyword and an option are where one was meant to be the other.
_NEAR = 0.8


class Configured(BaseModel):
    """A model of options. Unknown keywords are ignored, but for those that are nearly an option.

    An option of the reference runtime that this one can't do is refused where it is switched on, so that nobody relies
    on what does not happen.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    #: Option → what it would do, for options that are refused.
    unsupported: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:

        def __init__(self, /, **given: Any) -> None:
            try:
                super().__init__(**given)
            except ValidationError as error:
                raise _as_usage(type(self).__name__, error) from error

        # As on pydantic's own: what is loaded or copied was validated, and does not come through here.
        __init__.__pydantic_base_init__ = True

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, given: Any) -> Any:
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if name in cls.model_fields:
                continue
            if name in cls.unsupported:
                if value:
                    raise UsageError(
                        f"{cls.__name__} sets {name}, but {cls.unsupported[name]} is no part of this runtime"
                    )
                continue
            near = difflib.get_close_matches(name, cls.model_fields, n=1, cutoff=_NEAR)
            if near:
                raise UsageError(f"{cls.__name__} has no option {name!r}; did you mean {near[0]!r}?")
        if isinstance(given, Mapping) and isinstance(given.get("id"), UUID):
            return {**given, "id": str(given["id"])}
        return given


def _as_usage(name: str, error: ValidationError) -> UsageError:
    """Return what is wrong with options as the error of the caller's that it is; one that was raised as such, as it is."""
    causes = (fault.get("ctx", {}).get("error") for fault in error.errors(include_url=False))
    own = next((cause for cause in causes if isinstance(cause, UsageError)), None)
    return UsageError(f"{name}: {misfits(error)}") if own is None else own
