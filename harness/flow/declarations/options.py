"""The options of a declared flow, in the form in which a flow class takes them."""

from __future__ import annotations

from typing import Any

from harness.flow.checkpoints.config import CheckpointConfig
from harness.flow.declarations.options_schema import DeclaredCheckpoints, DeclaredConfig, DeclaredStore
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
    if declared.ref is None:
        return SQLiteFlowPersistence(declared.db_path)
    place: FlowPersistence = made(declared.ref)
    return place


def _checkpoint(declared: bool | DeclaredCheckpoints) -> CheckpointConfig | bool:
    if isinstance(declared, bool):
        return declared
    fields = declared.model_dump(exclude_none=True, exclude={"enabled"})
    if not (declared.enabled and fields):
        return declared.enabled
    return CheckpointConfig(**fields)
