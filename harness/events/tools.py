"""Events of the `tools` channel: one tool being used."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from harness.events.base import BaseEvent, UtcDatetime
from harness.events.failures import AnyFailure


class ToolUsageEvent(BaseEvent):
    """Any event of one use of one tool."""

    shown_if_given: ClassVar[frozenset[str]] = frozenset(
        {"plan_step_number", "plan_step_description", "from_task", "from_agent"}
    )
    tool_name: str
    tool_args: Any = None
    tool_class: str | None = None
    agent: Any = None
    agent_key: str | None = None
    delegations: int | None = None
    run_attempts: int | None = None
    #: Where the use belongs to a step of a plan.
    plan_step_number: int | None = None
    plan_step_description: str | None = None
    from_task: Any = None
    from_agent: Any = None


class ToolUsageStartedEvent(ToolUsageEvent):
    opens: ClassVar[str | None] = "tool"
    type: Literal["tool_usage_started"] = "tool_usage_started"


class ToolUsageFinishedEvent(ToolUsageEvent):
    closes: ClassVar[str | None] = "tool"
    type: Literal["tool_usage_finished"] = "tool_usage_finished"
    output: Any = None
    started_at: UtcDatetime | None = None
    finished_at: UtcDatetime | None = None
    from_cache: bool = False
    failure: Any = None


class ToolUsageErrorEvent(ToolUsageEvent):
    closes: ClassVar[str | None] = "tool"
    type: Literal["tool_usage_error"] = "tool_usage_error"
    error: AnyFailure
    error_type: str | None = None


class ToolValidateInputErrorEvent(ToolUsageEvent):
    type: Literal["tool_validate_input_error"] = "tool_validate_input_error"
    error: AnyFailure
    error_type: str | None = None


class ToolSelectionErrorEvent(ToolUsageEvent):
    type: Literal["tool_selection_error"] = "tool_selection_error"
    error: AnyFailure
    error_type: str | None = None


class ToolExecutionErrorEvent(ToolUsageEvent):
    type: Literal["tool_execution_error"] = "tool_execution_error"
    error: AnyFailure
    error_type: str | None = None


class ToolFailureDetectedEvent(ToolUsageEvent):
    type: Literal["tool_failure_detected"] = "tool_failure_detected"
    failure: Any = None
    policy: str | None = None
