"""What agents, tasks and crews look like in a declaration."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from harness.flow.declarations.part import Declared, Reference, Values


class DeclaredPython(Declared):
    """Something in Python: `package.module.Name`, or `package.module:Name`."""

    python: str = Field(pattern=r"^[A-Za-z_][\w.]*[.:][A-Za-z_][\w.]*$")

    @property
    def ref(self) -> str:
        """Return it as `module:qualname`."""
        module, _, name = self.python.rpartition(".")
        return self.python if ":" in self.python else f"{module}:{name}"


#: A model as `provider/model`, as settings of an `LLM` with its `model`, or an LLM in Python.
DeclaredLLM: TypeAlias = Annotated[str | DeclaredPython | Values, Field(union_mode="left_to_right")]


class DeclaredCrewAgent(Declared):
    """An agent; see `harness.Agent`. `{name}` in its texts is an input of the crew."""

    role: str
    goal: str
    backstory: str
    llm: DeclaredLLM | None = None
    #: Classes, of which instances are made, or instances.
    tools: list[Reference] = Field(default_factory=list)
    allow_delegation: bool | None = None
    max_iter: int | None = Field(default=None, ge=1)
    max_rpm: int | None = Field(default=None, ge=1)
    max_execution_time: float | None = Field(default=None, gt=0)
    #: Other options of an agent.
    settings: Values = Field(default_factory=dict)


class DeclaredAgent(DeclaredCrewAgent):
    """An agent that answers without a crew."""

    #: What it is asked, with `${…}`: a text, or a list of `{role, content}` messages.
    input: str | list[Values]
    response_format: DeclaredPython | None = None


class DeclaredTask(Declared):
    """A task; see `harness.Task`. `{name}` in its texts is an input of the crew."""

    description: str
    expected_output: str
    name: str | None = None
    #: The name of one of the crew's agents.
    agent: str | None = None
    #: The names of tasks before it.
    context: list[str] | None = None
    tools: list[Reference] = Field(default_factory=list)
    async_execution: bool | None = None
    output_file: str | None = None
    output_json: DeclaredPython | None = None
    output_pydantic: DeclaredPython | None = None
    guardrail: str | DeclaredPython | None = None
    guardrail_max_retries: int | None = Field(default=None, ge=0)
    human_input: bool | None = None
    markdown: bool | None = None


def _by_name(agents: Any) -> Any:
    """Return agents by name, which may be listed: each with its `name`, or as `{name: agent}`."""
    if not isinstance(agents, list):
        return agents
    named: dict[Any, Any] = {}
    for place, agent in enumerate(agents):
        if isinstance(agent, dict) and "name" in agent:
            name, given = agent["name"], {key: value for key, value in agent.items() if key != "name"}
        elif isinstance(agent, dict) and len(agent) == 1:
            ((name, given),) = agent.items()
        else:
            raise ValueError(f"the agent at {place} has no name")
        if name in named:
            raise ValueError(f"the agents have names of their own, and two are called {name!r}")
        named[name] = given
    return named


class DeclaredCrew(Declared):
    """A crew; see `harness.Crew`."""

    name: str | None = None
    #: By the names that tasks have for them.
    agents: Annotated[dict[str, DeclaredCrewAgent], BeforeValidator(_by_name)] = Field(min_length=1)
    tasks: list[DeclaredTask] = Field(min_length=1)
    #: What inputs are where the call gives no others.
    inputs: Values = Field(default_factory=dict)
    process: Literal["sequential", "hierarchical"] | None = None
    manager_llm: DeclaredLLM | None = None
    #: The name of one of the agents, which then does no task itself.
    manager_agent: str | None = None
    cache: bool | None = None
    max_rpm: int | None = Field(default=None, ge=1)
    verbose: bool | None = None

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        before: set[str] = set()
        for task in self.tasks:
            for agent in filter(None, (task.agent, self.manager_agent)):
                if agent not in self.agents:
                    raise ValueError(f"there is no agent {agent!r}; the agents are {', '.join(self.agents)}")
            unknown = next((name for name in task.context or () if name not in before), None)
            if unknown is not None:
                raise ValueError(f"the context {unknown!r} is the name of no task before it")
            if task.name in before:
                raise ValueError(f"the tasks have names of their own, and two are called {task.name!r}")
            before |= {task.name} if task.name else set()
        return self


class CrewCall(Declared):
    """Runs a crew, and comes to its output."""

    call: Literal["crew"]
    crew: DeclaredCrew | None = Field(default=None, alias="with")
    #: A file in the folder of the flow's own, or below it, that has what `with` would.
    from_declaration: str | None = None
    #: The inputs of its kickoff, with `${…}`.
    inputs: Values = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_single(self) -> Self:
        if (self.crew is None) == (self.from_declaration is None):
            raise ValueError("a crew stands here, as with, or in a file, as from_declaration: give one of them")
        return self


class AgentCall(Declared):
    """Asks an agent, and comes to its output."""

    call: Literal["agent"]
    agent: DeclaredAgent = Field(alias="with")
