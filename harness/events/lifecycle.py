"""Events of the `lifecycle` channel: crews, tasks, agents, checkpoints, guardrails, memory and knowledge."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from harness.events.base import BaseEvent
from harness.events.coercion import FailureText, OptionalFailureText


class CrewKickoffStartedEvent(BaseEvent):
    opens: ClassVar[str | None] = "crew"
    type: Literal["crew_kickoff_started"] = "crew_kickoff_started"
    crew_name: str | None = None
    crew: Any = None
    inputs: dict[str, Any] | None = None


class CrewKickoffCompletedEvent(BaseEvent):
    closes: ClassVar[str | None] = "crew"
    type: Literal["crew_kickoff_completed"] = "crew_kickoff_completed"
    crew_name: str | None = None
    crew: Any = None
    output: Any = None
    total_tokens: int | None = None


class CrewKickoffFailedEvent(BaseEvent):
    closes: ClassVar[str | None] = "crew"
    type: Literal["crew_kickoff_failed"] = "crew_kickoff_failed"
    crew_name: str | None = None
    crew: Any = None
    error: FailureText
    error_type: str | None = None


class TaskStartedEvent(BaseEvent):
    opens: ClassVar[str | None] = "task"
    type: Literal["task_started"] = "task_started"
    task: Any = None
    context: str | None = None


class TaskCompletedEvent(BaseEvent):
    closes: ClassVar[str | None] = "task"
    type: Literal["task_completed"] = "task_completed"
    task: Any = None
    output: Any = None


class TaskFailedEvent(BaseEvent):
    closes: ClassVar[str | None] = "task"
    type: Literal["task_failed"] = "task_failed"
    task: Any = None
    error: FailureText
    error_type: str | None = None


class AgentExecutionStartedEvent(BaseEvent):
    opens: ClassVar[str | None] = "agent"
    type: Literal["agent_execution_started"] = "agent_execution_started"
    agent: Any = None
    task: Any = None
    task_prompt: str | None = None
    tools: list[Any] | None = None


class AgentExecutionCompletedEvent(BaseEvent):
    closes: ClassVar[str | None] = "agent"
    type: Literal["agent_execution_completed"] = "agent_execution_completed"
    agent: Any = None
    task: Any = None
    output: Any = None


class AgentExecutionErrorEvent(BaseEvent):
    closes: ClassVar[str | None] = "agent"
    type: Literal["agent_execution_error"] = "agent_execution_error"
    agent: Any = None
    task: Any = None
    error: FailureText
    error_type: str | None = None


class CheckpointEvent(BaseEvent):
    """Any event of writing or restoring one checkpoint."""

    location: str | None = None
    provider: str | None = None
    trigger: str | None = None
    branch: str | None = None
    checkpoint_id: str | None = None
    duration_ms: float | None = None
    parent_id: str | None = None


class CheckpointStartedEvent(CheckpointEvent):
    opens: ClassVar[str | None] = "checkpoint"
    type: Literal["checkpoint_started"] = "checkpoint_started"


class CheckpointCompletedEvent(CheckpointEvent):
    closes: ClassVar[str | None] = "checkpoint"
    type: Literal["checkpoint_completed"] = "checkpoint_completed"


class CheckpointFailedEvent(CheckpointEvent):
    closes: ClassVar[str | None] = "checkpoint"
    type: Literal["checkpoint_failed"] = "checkpoint_failed"
    error: FailureText
    error_type: str | None = None


class CheckpointRestoreStartedEvent(CheckpointEvent):
    opens: ClassVar[str | None] = "checkpoint_restore"
    type: Literal["checkpoint_restore_started"] = "checkpoint_restore_started"


class CheckpointRestoreCompletedEvent(CheckpointEvent):
    closes: ClassVar[str | None] = "checkpoint_restore"
    type: Literal["checkpoint_restore_completed"] = "checkpoint_restore_completed"


class CheckpointRestoreFailedEvent(CheckpointEvent):
    closes: ClassVar[str | None] = "checkpoint_restore"
    type: Literal["checkpoint_restore_failed"] = "checkpoint_restore_failed"
    error: FailureText
    error_type: str | None = None


class CheckpointForkStartedEvent(CheckpointEvent):
    opens: ClassVar[str | None] = "checkpoint_fork"
    type: Literal["checkpoint_fork_started"] = "checkpoint_fork_started"


class CheckpointForkCompletedEvent(CheckpointEvent):
    closes: ClassVar[str | None] = "checkpoint_fork"
    type: Literal["checkpoint_fork_completed"] = "checkpoint_fork_completed"


class CheckpointPrunedEvent(CheckpointEvent):
    type: Literal["checkpoint_pruned"] = "checkpoint_pruned"
    removed: int = 0


class LLMGuardrailStartedEvent(BaseEvent):
    opens: ClassVar[str | None] = "guardrail"
    shown_if_given: ClassVar[frozenset[str]] = frozenset({"from_task", "from_agent"})
    type: Literal["llm_guardrail_started"] = "llm_guardrail_started"
    guardrail: str | None = None
    retry_count: int | None = None
    #: Whether a function or a model judges, and what it is called.
    guardrail_type: Literal["function", "llm"] | None = None
    guardrail_name: str | None = None
    from_task: Any = None
    from_agent: Any = None


class LLMGuardrailCompletedEvent(BaseEvent):
    closes: ClassVar[str | None] = "guardrail"
    shown_if_given: ClassVar[frozenset[str]] = frozenset({"from_task", "from_agent"})
    type: Literal["llm_guardrail_completed"] = "llm_guardrail_completed"
    success: bool | None = None
    result: Any = None
    error: OptionalFailureText = None
    retry_count: int | None = None
    #: Whether a function or a model judges, and what it is called.
    guardrail_type: Literal["function", "llm"] | None = None
    guardrail_name: str | None = None
    from_task: Any = None
    from_agent: Any = None
