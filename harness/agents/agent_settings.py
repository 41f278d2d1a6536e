"""What an agent is: its role, its model, its tools and its limits."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self
from uuid import uuid4

from pydantic import Field, PrivateAttr, field_validator, model_validator

from harness.agents.guardrail import Guardrail, check_guardrail
from harness.agents.interpolation import interpolated
from harness.agents.pace import Paced
from harness.llm.llm import model_of
from harness.tools.base_tool import BaseTool
from harness.tools.failure import ToolFailurePolicy

#: The variables that may name the model of agents which are given none, and the model where none does.
_MODEL_VARIABLES: Final = ("MODEL", "MODEL_NAME", "OPENAI_MODEL_NAME")
_MODEL: Final = "gpt-4.1-mini"


class AgentSettings(Paced):
    """What an agent is made with."""

    #: Fields that a frame shows of an agent.
    shown_in_frames: ClassVar[tuple[str, ...]] = ("id", "role", "goal", "backstory")
    unsupported: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "memory": "memory",
            "knowledge": "knowledge",
            "knowledge_sources": "knowledge",
            "embedder": "knowledge",
            "mcps": "MCP",
            "apps": "a platform of apps",
            "a2a": "A2A",
            "skills": "skills",
            "planning": "planning",
            "planning_config": "planning",
            "reasoning": "planning",
            "allow_code_execution": "running code of the model's",
            "multimodal": "looking at images by itself",
            "from_repository": "a repository of agents",
            "checkpoint": "checkpoints of agents",
            "callbacks": "a callback that is told nothing (step_callback is told each step)",
            "max_tokens": "a limit of tokens (its llm takes one)",
        }
    )

    role: str
    goal: str
    backstory: str
    #: As events name it.
    id: str = Field(default_factory=lambda: str(uuid4()))
    #: An LLM, its name as in `provider/model`, or a dict of settings with a `model`. Without one the environment's
    #: MODEL, or a small model of OpenAI's.
    llm: Any = None
    tools: list[BaseTool] = Field(default_factory=list)
    #: How often the model is asked at most before it has to answer without tools.
    max_iter: int = Field(default=25, ge=1)
    #: Seconds for one task.
    max_execution_time: float | None = Field(default=None, gt=0)
    #: Whether results of its tools are kept where its crew keeps them; True, given here, keeps them without a crew, too.
    cache: bool = True
    #: Nothing is printed: read the frames.
    verbose: bool = False
    #: Whether it may hand work to, and ask, the other agents of its crew.
    allow_delegation: bool = False
    #: Called with an `AgentAction` for each tool used, and an `AgentFinish`.
    step_callback: Callable[..., Any] | None = None
    #: Asked in place of `llm` where tools are given, as one that is better at calling them.
    function_calling_llm: Any = None
    use_system_prompt: bool = True
    system_template: str | None = None
    prompt_template: str | None = None
    response_template: str | None = None
    #: How often a call of the model that failed is made again, in one execution.
    max_retry_limit: int = Field(default=2, ge=0)
    #: Whether what was done so far is told in fewer words, by the model, where it no longer fits; else the run fails.
    respect_context_window: bool = True
    #: Looks at answers of `kickoff`; see `Guardrail`.
    guardrail: Guardrail | None = None
    guardrail_max_retries: int = Field(default=3, ge=0)
    #: Options as a dict, as they stand in a file; those that are given beside it count before it.
    config: dict[str, Any] | None = None
    inject_date: bool = False
    date_format: str = "%Y-%m-%d"
    tool_failure_policy: ToolFailurePolicy | None = None

    _agent_default_llm: Any = PrivateAttr(default=None)

    @field_validator("llm", "function_calling_llm", mode="before")
    @classmethod
    def _agent_known_llm(cls, value: Any) -> Any:
        return None if value is None else model_of(value)

    @model_validator(mode="after")
    def _agent_check(self) -> Self:
        if self.guardrail is not None:
            check_guardrail(self.guardrail)
        return self

    # What its runs ask.

    @property
    def key(self) -> str:
        """What tells agents with the same texts apart from others, whatever their ids."""
        return f"{self.role}|{self.goal}|{self.backstory}"

    def interpolated(self, inputs: Mapping[str, Any] | None) -> Self:
        """Return the agent with the inputs of a kickoff in its texts; the same one where they change nothing.

        Raises:
            UsageError: an input is missing.
        """
        texts = {
            name: interpolated(getattr(self, name), inputs, f"the {name} of the agent {self.role!r}")
            for name in ("role", "goal", "backstory")
        }
        if all(getattr(self, name) == text for name, text in texts.items()):
            return self
        # What its requests share stays shared.
        self.model()
        return self.model_copy(update=texts)

    def model(self, *, with_tools: bool = False) -> Any:
        """Return the LLM that it asks."""
        if with_tools and self.function_calling_llm is not None:
            return self.function_calling_llm
        if self.llm is not None:
            return self.llm
        if self._agent_default_llm is None:
            named = next(filter(None, map(os.environ.get, _MODEL_VARIABLES)), _MODEL)
            self._agent_default_llm = model_of(named)
        return self._agent_default_llm
