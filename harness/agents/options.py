"""What agents, tasks and crews are made of: their options, with a word for those that have no effect here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, model_validator

from harness.errors import UsageError
from harness.validation import UserModel

#: How alike an unknown keyword and an option are where one was meant to be the other.
_NEAR = 0.8
#: Options that hold several of what is a model.
_LISTS = frozenset({"agents", "tasks", "tools", "context"})
#: Options of which None says what their default does: there are none, or not so.
_UNSAID = frozenset({"tools", "async_execution", "human_input", "markdown"})


class Configured(UserModel):
    """A model of options. Unknown keywords are ignored, but for those that are nearly an option.

    An option of the reference runtime that this one can't do is refused where it is switched on, so that nobody relies
    on what does not happen.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    #: Option → what it would do, for options that are refused.
    unsupported: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _harness_refuse(cls, options: Any) -> Any:
        if not isinstance(options, Mapping):
            return options
        config = options.get("config")
        if "config" in cls.model_fields and isinstance(config, Mapping):
            options = {**config, **options}
        options = {name: value for name, value in options.items() if value is not None or name not in _UNSAID}
        for name, value in options.items():
            if name in cls.model_fields:
                # pydantic would go through its fields as through a list.
                if name in _LISTS and isinstance(value, BaseModel):
                    raise UsageError(f"{cls.__name__}: {name}: expected a list, not {type(value).__name__}")
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
        if isinstance(options.get("id"), UUID):
            return {**options, "id": str(options["id"])}
        return options
