"""What a declaration names as `module:qualname`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from harness.errors import HarnessError, UsageError
from harness.import_path import add_current_folder

#: What CrewAI calls its own where it writes a flow down, and what that is here.
_OWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "crewai.flow.conversational_mixin:_ConversationalMixin": "harness.flow:Flow",
        "crewai.flow.conversational:ConversationState": "harness.conversation:ConversationState",
        "crewai.flow.conversation:ChatState": "harness.conversation:ChatState",
        "crewai.flow.async_feedback.providers:ConsoleProvider": "harness.flow:ConsoleProvider",
    }
)


def referenced(ref: str) -> Any:
    """Import what `ref` names; of CrewAI's own, what takes its place here.

    Raises:
        UsageError: the module can't be imported, or has no such name.
    """
    module_name, _, path = ref.partition(":")
    first, *rest = path.split(".")
    module_name, _, first = _OWN.get(f"{module_name}:{first}", f"{module_name}:{first}").partition(":")
    add_current_folder()
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(f"the module {module_name!r} can't be imported: {type(error).__name__}: {error}") from error
    for part in (first, *rest):
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
    """Return what `ref` names, and of a class an instance. Raises UsageError, also where none can be made."""
    found = referenced(ref)
    try:
        return found() if isinstance(found, type) else found
    except HarnessError:
        raise
    except Exception as error:
        raise UsageError(f"{ref!r} can't be made: {type(error).__name__}: {error}") from error
