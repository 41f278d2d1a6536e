"""Flows: methods joined into a graph, run as one piece of work that can be streamed."""

from __future__ import annotations

from harness.flow.engine.hooks import FlowHook, with_hook
from harness.flow.engine.run import FlowRun
from harness.flow.flow import Flow
from harness.flow.graph.conditions import and_, or_
from harness.flow.graph.decorators import listen, router, start
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.flow.plan.plan import MethodCallLimitError
from harness.flow.state import FlowState

__all__ = [
    "Flow",
    "FlowHook",
    "FlowRun",
    "FlowState",
    "MethodCall",
    "MethodCallLimitError",
    "MethodResult",
    "and_",
    "listen",
    "or_",
    "router",
    "start",
    "with_hook",
]
