"""What a crew is: its agents, its tasks, and how it goes through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self
from uuid import uuid4

from pydantic import Field, PrivateAttr, field_validator, model_validator

from harness.agents import Agent
from harness.agents.pace import Paced
from harness.crews.process import Process
from harness.crews.task import Task
from harness.crews.task_settings import TaskSettings
from harness.errors import UsageError
from harness.llm.llm import model_of
from harness.llm.output.usage import UsageMetrics
from harness.tools.failure import ToolFailurePolicy


class CrewSettings(Paced):
    """What a crew is made with."""

    #: Fields that a frame shows of a crew.
    shown_in_frames: ClassVar[tuple[str, ...]] = ("name",)
    unsupported: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "memory": "memory",
            "embedder": "knowledge",
            "knowledge": "knowledge",
            "knowledge_sources": "knowledge",
            "planning": "planning",
            "planning_llm": "planning",
            "skills": "skills",
            "chat_llm": "a chat with a crew at the terminal (a conversational flow has one)",
            "share_crew": "sharing crews with a service",
            "tracing": "tracing to a service",
            "checkpoint": "checkpoints of crews",
            "output_log_file": "a log file (record the run)",
            "prompt_file": "a file of prompts",
            "trained_agents_file": "training",
            "config": "a crew made of a dict",
            "function_calling_llm": "an LLM for the tools of all agents (each agent takes one)",
        }
    )

    agents: list[Agent] = Field(default_factory=list)
    tasks: list[Task] = Field(default_factory=list)
    process: Process = Process.sequential
    name: str | None = None
    #: As events name it.
    id: str = Field(default_factory=lambda: str(uuid4()))
    #: Who hands out work where the process is hierarchical: an agent, or the LLM of one that is made for it.
    manager_llm: Any = None
    manager_agent: Agent | None = None
    #: Nothing is printed: read the frames.
    verbose: bool = False
    #: Whether kickoffs return a `CrewStreamingOutput`.
    stream: bool = False
    #: Whether results of tools are kept during a run, for uses with the same arguments.
    cache: bool = False
    #: Called with each step of every agent, and with each task's output.
    step_callback: Callable[..., Any] | None = None
    task_callback: Callable[..., Any] | None = None
    #: Each may change, or replace, the inputs before anything else; and the output, after all tasks.
    before_kickoff_callbacks: list[Callable[..., Any]] = Field(default_factory=list)
    after_kickoff_callbacks: list[Callable[..., Any]] = Field(default_factory=list)
    tool_failure_policy: ToolFailurePolicy | None = None

    _crew_usage: UsageMetrics | None = PrivateAttr(default=None)

    @field_validator("manager_llm", mode="before")
    @classmethod
    def _crew_known_llm(cls, value: Any) -> Any:
        return None if value is None else model_of(value)

    @model_validator(mode="after")
    def _crew_check(self) -> Self:
        hierarchical = self.process is Process.hierarchical
        if hierarchical and self.manager_llm is None and self.manager_agent is None:
            raise UsageError("a hierarchical crew has a manager: give it manager_llm or manager_agent")
        if self.manager_agent is not None and self.manager_agent.tools:
            raise UsageError("the manager_agent has tools of its own; it hands work out, so give them to other agents")
        if self.manager_agent is not None and any(agent is self.manager_agent for agent in self.agents):
            raise UsageError("the manager_agent is among the agents; it hands work to them, so leave it out there")
        for place, task in enumerate(self.tasks):
            if task.agent is None and not hierarchical:
                raise UsageError(
                    f"tasks[{place}], {task.label[:60]!r}, has no agent, and there is no manager to hand it out"
                )
            self.context_of(place)
        return self

    # What users read.

    @property
    def label(self) -> str:
        """What it is called in events."""
        return self.name or "crew"

    @property
    def usage_metrics(self) -> UsageMetrics | None:
        """What the calls to models of the run that ended last have used."""
        return self._crew_usage

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of its tasks, in their order."""
        return tuple(task.id for task in self.tasks)

    # What its runs ask.

    @property
    def all_agents(self) -> list[Agent]:
        """Its agents, and those that only a task names."""
        return [*self.agents, *(task.agent for task in self.tasks if task.agent is not None)]

    def context_of(self, place: int) -> list[int | TaskSettings] | None:
        """Return the tasks whose answers a task names, by their places, or, where they are none of the crew's, themselves.

        None where it names nothing, and is given all.

        Raises:
            UsageError: one of them comes after it.
        """
        task = self.tasks[place]
        if "context" not in task.model_fields_set:
            return None
        named: list[int | TaskSettings] = []
        for needed in task.context or ():
            before = [at for at, known in enumerate(self.tasks[:place]) if known is needed]
            if not before and any(known is needed for known in self.tasks):
                raise UsageError(
                    f"tasks[{place}], {task.label[:60]!r}, has {needed.label[:60]!r} as context, which is no task before it"
                )
            named.append(before[-1] if before else needed)
        return named

    def note_usage(self, usage: UsageMetrics) -> None:
        """Note what a run has used."""
        self._crew_usage = usage
