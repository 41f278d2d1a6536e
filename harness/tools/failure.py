"""Failures that tools report as values, and what an agent makes of any tool that failed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from harness.errors import HarnessError
from harness.validation import UserModel


class ToolFailurePolicy(StrEnum):
    """What an agent does about a tool that failed: nothing, note and publish it, or end the run as well."""

    IGNORE = "ignore"
    WARN = "warn"
    RAISE = "raise"


class ToolFailureReason(StrEnum):
    """Why a tool's use came to nothing."""

    TOOL_REPORTED = "tool_reported"
    EXCEPTION = "exception"
    USAGE_LIMIT = "usage_limit"
    UNKNOWN_TOOL = "unknown_tool"
    INVALID_INPUT = "invalid_input"


class ToolFailure(UserModel):
    """What a tool returns in place of a value to say that it failed; its text is `message`.

    The model reads the message. How the run goes on is the policy's matter.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    #: What went wrong, for people and models.
    message: str
    reason: ToolFailureReason = ToolFailureReason.TOOL_REPORTED
    #: What the failing system itself calls it, such as `channel_not_found`.
    code: str | None = None
    #: Whether the same call may succeed later.
    retryable: bool = False
    details: dict[str, Any] = Field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


class ToolFailureRecord(UserModel):
    """A failure with the use of the tool that it came from."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    tool_name: str
    failure: ToolFailure
    #: The arguments as an object; the model's text where they are none.
    tool_args: dict[str, Any] | str | None = None
    agent_role: str | None = None
    task_name: str | None = None
    task_id: str | None = None


class ToolExecutionFailedError(HarnessError):
    """A tool failed under the policy `raise`; `record` says which and how."""

    def __init__(self, record: ToolFailureRecord) -> None:
        super().__init__(f"the tool {record.tool_name!r} failed: {record.failure.message}")
        self.record = record


def policy_among(*owners: Any) -> ToolFailurePolicy:
    """Return the policy of the first of these that has one, from the most specific on; `warn` where none has."""
    for owner in owners:
        policy = getattr(owner, "tool_failure_policy", None)
        if policy is not None:
            return ToolFailurePolicy(policy)
    return ToolFailurePolicy.WARN
