"""The options of a declared flow, in the form in which a flow class takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import UsageError
from harness.flow.checkpoints.config import CheckpointConfig
from harness.flow.class_names import class_name
from harness.flow.declarations.options_schema import SQLITE, DeclaredCheckpoints, DeclaredConfig, DeclaredStore
from harness.flow.declarations.references import made
from harness.flow.persistence.protocol import FlowPersistence
from harness.flow.persistence.sqlite import SQLiteFlowPersistence


def options(declared: DeclaredConfig) -> dict[str, Any]:
    """Return the options of a flow class by name.

    Raises:
        UsageError: what provides input can't be imported.
    """
    options = declared.model_dump(exclude_none=True, exclude={"checkpoint", "input_provider", "tracing", "memory"})
    if declared.input_provider is not None:
        options["input_provider"] = made(declared.input_provider.ref)
    if declared.checkpoint is not None:
        options["checkpoint"] = _checkpoint(declared.checkpoint)
    return options


def store(declared: DeclaredStore | None) -> FlowPersistence | None:
    """Return where states are kept; None where nothing is said. Raises UsageError."""
    if declared is None:
        return None
    if declared.persistence_type == SQLITE:
        return SQLiteFlowPersistence(declared.db_path)
    if declared.ref is None:
        return _named_store(declared)
    place: FlowPersistence = made(declared.ref)
    return place


def _named_store(declared: DeclaredStore) -> FlowPersistence:
    """Return a place of the class that has this name, among those that are there, with its fields."""
    # Of one that was written anew, as in a notebook, the latest.
    named = {class_name(cls): cls for cls in _below(FlowPersistence) if cls.__name__ == declared.persistence_type}
    if not named:
        raise UsageError(
            f"no FlowPersistence is called {declared.persistence_type!r}: import its module first, or name it as ref: module:class"
        )
    if len(named) > 1:
        raise UsageError(
            f"there are {', '.join(sorted(named))}: name the one that is meant by persistence_type "
            f"{declared.persistence_type!r} as ref: module:class"
        )
    (cls,) = named.values()
    place: FlowPersistence = cls(**declared.model_dump(exclude={"persistence_type"}, exclude_unset=True))
    return place


def _below(cls: Any) -> Iterator[Any]:
    for below in cls.__subclasses__():
        yield below
        yield from _below(below)


def _checkpoint(declared: bool | DeclaredCheckpoints) -> CheckpointConfig | bool:
    if isinstance(declared, bool):
        return declared
    fields = declared.model_dump(exclude_none=True, exclude={"enabled"})
    if not (declared.enabled and fields):
        return declared.enabled
    return CheckpointConfig(**fields)
