"""Tools: functions that a model may ask for, with what it is told of them, and what becomes of a call."""

from __future__ import annotations

from harness.tools.base_tool import BaseTool, EnvVar
from harness.tools.failure import (
    ToolExecutionFailedError,
    ToolFailure,
    ToolFailurePolicy,
    ToolFailureReason,
    ToolFailureRecord,
)
from harness.tools.function_tool import FunctionTool, tool
from harness.tools.use import ToolInputError

__all__ = [
    "BaseTool",
    "EnvVar",
    "FunctionTool",
    "ToolExecutionFailedError",
    "ToolFailure",
    "ToolFailurePolicy",
    "ToolFailureReason",
    "ToolFailureRecord",
    "ToolInputError",
    "tool",
]
