"""The names by which classes are kept: `module:qualified name`, and back without importing anything for it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

#: What makes the class of a state of a user's model, as the end of its name says, and in which module that is.
_MAKERS: Final[Mapping[str, str]] = {
    "with_id": "harness.flow.state",
    "completed": "harness.flow.conversation.state",
}


def class_name(cls: Any) -> str:
    """Return the name of a class, or of a function."""
    return f"{cls.__module__}:{cls.__qualname__}"


def loaded(name: str) -> Any:
    """Return what has that name in a module that has been imported, or None; of a generic model, that with these types."""
    of, _, maker = name.removesuffix("__").rpartition(".__")
    if maker in _MAKERS:
        model = loaded(of)
        make = getattr(importlib.import_module(_MAKERS[maker]), maker)
        return make(model) if isinstance(model, type) and issubclass(model, BaseModel) else None
    module_name, _, path = name.partition(":")
    found: Any = sys.modules.get(module_name)
    # One that nobody has written down here, as an annotation, is the model for any types.
    path, types, _ = path.partition("[")
    for part in path.split("."):
        found = getattr(found, part, None)
    below: list[type] = found.__subclasses__() if types and isinstance(found, type) else []
    return next((cls for cls in below if class_name(cls) == name), found)
