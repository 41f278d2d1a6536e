"""What agents give: the answer to a kickoff, and the steps on the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, Field, SerializeAsAny

from harness.tools.failure import ToolFailureRecord
from harness.validation import UserModel


class LiteAgentOutput(UserModel):
    """What `agent.kickoff` returns; `str()` is the answer's text."""

    #: Fields that a frame shows of it: the conversation is in the frames already.
    shown_in_frames: ClassVar[tuple[str, ...]] = ("raw", "pydantic", "agent_role", "usage_metrics")

    #: The answer as text; of a structured one, its JSON.
    raw: str = ""
    #: The answer as the response format that was asked for.
    pydantic: SerializeAsAny[BaseModel] | None = None
    agent_role: str
    #: What the calls to models inside have used.
    usage_metrics: dict[str, Any] | None = None
    #: The conversation with the model, to the answer.
    messages: list[dict[str, Any]] = Field(default_factory=list)
    #: The tools that failed on the way.
    tool_failures: list[ToolFailureRecord] = Field(default_factory=list)

    def __str__(self) -> str:
        return self.raw

    def to_dict(self) -> dict[str, Any]:
        """Return the structured answer as a dict; an empty one where there is none."""
        return self.pydantic.model_dump() if self.pydantic is not None else {}


@dataclass(frozen=True, slots=True)
class AgentAction:
    """A tool that an agent has used; what a `step_callback` is given."""

    thought: str
    tool: str
    #: The arguments, as JSON text.
    tool_input: str
    #: What the model said.
    text: str
    #: What it is told.
    result: str


@dataclass(frozen=True, slots=True)
class AgentFinish:
    """The answer that an agent has come to; what a `step_callback` is given."""

    thought: str
    output: Any
    #: What the model said.
    text: str
