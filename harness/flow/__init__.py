"""Flows: methods joined into a graph, run as one piece of work that can be streamed."""

from __future__ import annotations

from harness.flow.calls import MethodCall, MethodResult
from harness.flow.conditions import and_, or_
from harness.flow.decorators import listen, router, start
from harness.flow.flow import Flow
from harness.flow.hooks import FlowHook, with_hook
from harness.flow.plan import MethodCallLimitError
from harness.flow.run import FlowRun
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
