"""Flows: methods joined into a graph, run as one piece of work that can be streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.flow import execution as execution, flow_context as flow_context
    from harness.flow.checkpoints.checkpoint import Checkpoint as Checkpoint, CheckpointError as CheckpointError
    from harness.flow.checkpoints.config import CheckpointConfig as CheckpointConfig
    from harness.flow.checkpoints.earlier_runs import frames_by_run as frames_by_run
    from harness.flow.checkpoints.json_files import JsonProvider as JsonProvider
    from harness.flow.checkpoints.json_lines import JsonLinesProvider as JsonLinesProvider
    from harness.flow.checkpoints.provider import CheckpointProvider as CheckpointProvider
    from harness.flow.checkpoints.sqlite import SqliteProvider as SqliteProvider
    from harness.flow.declarations.errors import (
        DeclarationProblem as DeclarationProblem,
        ExpressionError as ExpressionError,
        FlowDeclarationError as FlowDeclarationError,
        FlowScriptExecutionDisabledError as FlowScriptExecutionDisabledError,
    )
    from harness.flow.declarations.schema import FlowDefinition as FlowDefinition
    from harness.flow.engine.hooks import FlowHook as FlowHook, with_hook as with_hook
    from harness.flow.engine.run import FlowRun as FlowRun
    from harness.flow.feedback.decorator import human_feedback as human_feedback
    from harness.flow.feedback.pending import (
        HumanFeedbackPending as HumanFeedbackPending,
        PendingFeedbackContext as PendingFeedbackContext,
    )
    from harness.flow.feedback.providers import (
        ConsoleProvider as ConsoleProvider,
        FlowConfig as FlowConfig,
        HumanFeedbackProvider as HumanFeedbackProvider,
        InputProvider as InputProvider,
        InputResponse as InputResponse,
        flow_config as flow_config,
    )
    from harness.flow.feedback.result import HumanFeedbackResult as HumanFeedbackResult
    from harness.flow.flow import Flow as Flow
    from harness.flow.graph.conditions import and_ as and_, or_ as or_
    from harness.flow.graph.decorators import listen as listen, router as router, start as start
    from harness.flow.persistence.default import (
        default_flow_persistence as default_flow_persistence,
        set_flow_persistence_factory as set_flow_persistence_factory,
    )
    from harness.flow.persistence.persist import persist as persist
    from harness.flow.persistence.protocol import (
        FlowPersistence as FlowPersistence,
        StatePersistenceError as StatePersistenceError,
    )
    from harness.flow.persistence.sqlite import SQLiteFlowPersistence as SQLiteFlowPersistence
    from harness.flow.plan.calls import MethodCall as MethodCall, MethodResult as MethodResult
    from harness.flow.plan.plan import MethodCallLimitError as MethodCallLimitError
    from harness.flow.plot.page import visualize_flow_structure as visualize_flow_structure
    from harness.flow.plot.structure import FlowStructure as FlowStructure, build_flow_structure as build_flow_structure
    from harness.flow.state import FlowState as FlowState
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "harness.flow": "execution flow_context",
            "harness.flow.checkpoints.checkpoint": "Checkpoint CheckpointError",
            "harness.flow.checkpoints.config": "CheckpointConfig",
            "harness.flow.checkpoints.json_files": "JsonProvider",
            "harness.flow.checkpoints.json_lines": "JsonLinesProvider",
            "harness.flow.checkpoints.provider": "CheckpointProvider",
            "harness.flow.checkpoints.earlier_runs": "frames_by_run",
            "harness.flow.checkpoints.sqlite": "SqliteProvider",
            "harness.flow.declarations.errors": """
                DeclarationProblem ExpressionError FlowDeclarationError FlowScriptExecutionDisabledError
            """,
            "harness.flow.declarations.schema": "FlowDefinition",
            "harness.flow.engine.hooks": "FlowHook with_hook",
            "harness.flow.engine.run": "FlowRun",
            "harness.flow.feedback.decorator": "human_feedback",
            "harness.flow.feedback.pending": "HumanFeedbackPending PendingFeedbackContext",
            "harness.flow.feedback.providers": """
                ConsoleProvider FlowConfig HumanFeedbackProvider InputProvider InputResponse flow_config
            """,
            "harness.flow.feedback.result": "HumanFeedbackResult",
            "harness.flow.flow": "Flow",
            "harness.flow.graph.conditions": "and_ or_",
            "harness.flow.graph.decorators": "listen router start",
            "harness.flow.persistence.persist": "persist",
            "harness.flow.persistence.default": "default_flow_persistence set_flow_persistence_factory",
            "harness.flow.persistence.protocol": "FlowPersistence StatePersistenceError",
            "harness.flow.persistence.sqlite": "SQLiteFlowPersistence",
            "harness.flow.plan.calls": "MethodCall MethodResult",
            "harness.flow.plan.plan": "MethodCallLimitError",
            "harness.flow.plot.page": "visualize_flow_structure",
            "harness.flow.plot.structure": "FlowStructure build_flow_structure",
            "harness.flow.state": "FlowState",
        },
    )
