"""Flows: methods joined into a graph, run as one piece of work that can be streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.flow import execution, flow_context
from harness.flow.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.flow.checkpoints.config import CheckpointConfig
from harness.flow.checkpoints.json_files import JsonProvider
from harness.flow.checkpoints.provider import CheckpointProvider
from harness.flow.checkpoints.retold import frames_by_run
from harness.flow.checkpoints.sqlite import SqliteProvider
from harness.flow.declarations.errors import (
    DeclarationProblem,
    ExpressionError,
    FlowDeclarationError,
    FlowScriptExecutionDisabledError,
)
from harness.flow.engine.hooks import FlowHook, with_hook
from harness.flow.engine.run import FlowRun
from harness.flow.feedback.decorator import human_feedback
from harness.flow.feedback.pending import HumanFeedbackPending, PendingFeedbackContext
from harness.flow.feedback.providers import (
    ConsoleProvider,
    FlowConfig,
    HumanFeedbackProvider,
    InputProvider,
    InputResponse,
    flow_config,
)
from harness.flow.feedback.result import HumanFeedbackResult
from harness.flow.flow import Flow
from harness.flow.graph.conditions import and_, or_
from harness.flow.graph.decorators import listen, router, start
from harness.flow.persistence.default import default_flow_persistence, set_flow_persistence_factory
from harness.flow.persistence.persist import persist
from harness.flow.persistence.protocol import FlowPersistence, StatePersistenceError
from harness.flow.persistence.sqlite import SQLiteFlowPersistence
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.flow.plan.plan import MethodCallLimitError
from harness.flow.plot.page import visualize_flow_structure
from harness.flow.plot.structure import FlowStructure, build_flow_structure
from harness.flow.state import FlowState

if TYPE_CHECKING:
    from harness.flow.declarations.schema import FlowDefinition as FlowDefinition

__all__ = [
    "Checkpoint",
    "CheckpointConfig",
    "CheckpointError",
    "CheckpointProvider",
    "ConsoleProvider",
    "DeclarationProblem",
    "ExpressionError",
    "Flow",
    "FlowConfig",
    "FlowDeclarationError",
    "FlowDefinition",
    "FlowHook",
    "FlowPersistence",
    "FlowRun",
    "FlowScriptExecutionDisabledError",
    "FlowState",
    "FlowStructure",
    "HumanFeedbackPending",
    "HumanFeedbackProvider",
    "HumanFeedbackResult",
    "InputProvider",
    "InputResponse",
    "JsonProvider",
    "MethodCall",
    "MethodCallLimitError",
    "MethodResult",
    "PendingFeedbackContext",
    "SQLiteFlowPersistence",
    "SqliteProvider",
    "StatePersistenceError",
    "and_",
    "build_flow_structure",
    "default_flow_persistence",
    "execution",
    "flow_config",
    "flow_context",
    "frames_by_run",
    "human_feedback",
    "listen",
    "or_",
    "persist",
    "router",
    "set_flow_persistence_factory",
    "start",
    "visualize_flow_structure",
    "with_hook",
]


def __getattr__(name: str) -> Any:
    # Its models are dear to make, and flows that are written in Python need none of them.
    if name != "FlowDefinition":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from harness.flow.declarations.schema import FlowDefinition

    return FlowDefinition


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
