"""What a declaration names as `module:qualname`."""

from __future__ import annotations

import importlib
from typing import Any

from pydantic import BaseModel

from harness.errors import UsageError
from harness.import_path import add_current_folder


def referenced(ref: str) -> Any:
    """Import what `ref` names.

    Raises:
        UsageError: the module can't be imported, or has no such name.
    """
    module_name, _, path = ref.partition(":")
    add_current_folder()
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(f"the module {module_name!r} can't be imported: {type(error).__name__}: {error}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{module_name!r} has no {path!r}")
        found = getattr(found, part)
    return found


def referenced_model(ref: str) -> type[BaseModel]:
    """Import the pydantic model that `ref` names. Raises UsageError, also where it is none."""
    model = referenced(ref)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise UsageError(f"{ref!r} is no pydantic model")
    return model


def made(ref: str) -> Any:
    """Return what `ref` names, and of a class an instance. Raises UsageError."""
    found = referenced(ref)
    return found() if isinstance(found, type) else found
