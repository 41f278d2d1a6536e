"""Tools: functions that a model may ask for, with what it is told of them, and what becomes of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.tools.base_tool import BaseTool as BaseTool, EnvVar as EnvVar
    from harness.tools.failure import (
        ToolExecutionFailedError as ToolExecutionFailedError,
        ToolFailure as ToolFailure,
        ToolFailurePolicy as ToolFailurePolicy,
        ToolFailureReason as ToolFailureReason,
        ToolFailureRecord as ToolFailureRecord,
    )
    from harness.tools.function_tool import FunctionTool as FunctionTool, tool as tool
    from harness.tools.use import ToolInputError as ToolInputError
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "harness.tools.base_tool": "BaseTool EnvVar",
            "harness.tools.failure": """
                ToolExecutionFailedError ToolFailure ToolFailurePolicy ToolFailureReason ToolFailureRecord
            """,
            "harness.tools.function_tool": "FunctionTool tool",
            "harness.tools.use": "ToolInputError",
        },
    )
