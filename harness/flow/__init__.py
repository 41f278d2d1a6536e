"""Flows: methods joined into a graph, run as one piece of work that can be streamed."""

from __future__ import annotations

from harness.flow.conditions import and_, or_
from harness.flow.decorators import listen, router, start
from harness.flow.flow import Flow
from harness.flow.progress import MethodCallLimitError
from harness.flow.state import FlowState

__all__ = ["Flow", "FlowState", "MethodCallLimitError", "and_", "listen", "or_", "router", "start"]
