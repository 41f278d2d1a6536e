"""What a task is: what is to be done, by whom, and in what form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self
from uuid import uuid4

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from harness.agents import Agent, Guardrail
from harness.agents.guardrail import check_guardrail
from harness.agents.interpolation import interpolated
from harness.agents.options import Configured
from harness.crews.output import TaskOutput
from harness.errors import UsageError
from harness.llm.input.words import value_text
from harness.tools.base_tool import BaseTool
from harness.tools.failure import ToolFailurePolicy


def is_elsewhere(file: str) -> bool:
    """Return whether a file is meant to be out of its folder, or where a shell would find it: the folder `~` is nobody's."""
    return file.startswith(("~", "$")) or ".." in file.replace("\\", "/").split("/")


class TaskSettings(Configured):
    """What a task is made with."""

    #: Fields that a frame shows of a task.
    shown_in_frames: ClassVar[tuple[str, ...]] = ("id", "name", "description", "expected_output")
    unsupported: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "converter_cls": "a converter of one's own",
            "input_files": "giving files to tasks",
            "security_config": "fingerprints",
            "max_retries": "the old name of guardrail_max_retries",
        }
    )

    description: str
    expected_output: str
    agent: Agent | None = None
    name: str | None = None
    #: As events name it.
    id: str = Field(default_factory=lambda: str(uuid4()))
    #: The tasks whose answers it is given. Where nothing is said, those of all tasks before it; none for an empty list.
    context: Sequence[TaskSettings] | None = None
    #: What its agent may use for it, in place of the agent's own tools.
    tools: list[BaseTool] = Field(default_factory=list)
    #: Whether the tasks after it begin at once; one that needs its answer waits for it.
    async_execution: bool = False
    #: The model of the answer: given as a dict, or as the model. `response_model` is another name for the latter.
    output_json: type[BaseModel] | None = None
    output_pydantic: type[BaseModel] | None = None
    response_model: type[BaseModel] | None = None
    #: The file that the answer is written to, inside the current folder unless it begins at the root.
    output_file: str | None = None
    create_directory: bool = True
    #: Called with the `TaskOutput`.
    callback: Callable[..., Any] | None = None
    guardrail: Guardrail | None = None
    #: Several, in their order; or one.
    guardrails: Sequence[Guardrail] | Guardrail | None = None
    guardrail_max_retries: int = Field(default=3, ge=0)
    #: Whether somebody at the terminal looks at the answer, and may have it changed.
    human_input: bool = False
    markdown: bool = False
    #: Options as a dict, as they stand in a file; those that are given beside it count before it.
    config: dict[str, Any] | None = None
    #: Whether what triggered the crew is told with the description; by default where that is an input.
    allow_crewai_trigger_context: bool | None = None
    tool_failure_policy: ToolFailurePolicy | None = None

    _task_output: TaskOutput | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _task_check(self) -> Self:
        if self.output_json is not None and self.output_pydantic is not None:
            raise UsageError("a task has one form of answer: output_json or output_pydantic, not both")
        if self.output_file is not None and is_elsewhere(self.output_file):
            raise UsageError(
                f"output_file is inside the current folder, without '..', and no '~' or '$' is expanded, not {self.output_file!r}"
            )
        for guardrail in self.all_guardrails:
            check_guardrail(guardrail)
        return self

    @property
    def output(self) -> TaskOutput | None:
        """What it came to when it ended last; it may be set, as where a test has it done by something else."""
        return self._task_output

    @output.setter
    def output(self, output: TaskOutput | None) -> None:
        self._task_output = output

    @property
    def label(self) -> str:
        """What it is called in events: its name, or what is to be done."""
        return self.name or self.description

    @property
    def form(self) -> type[BaseModel] | None:
        """The model that the answer is to be."""
        return self.output_pydantic or self.output_json or self.response_model

    @property
    def all_guardrails(self) -> tuple[Guardrail, ...]:
        """What looks at its answer, in order."""
        several = self.guardrails
        if not several:
            return () if self.guardrail is None else (self.guardrail,)
        return (several,) if isinstance(several, str) or callable(several) else tuple(several)

    def interpolated(self, inputs: Mapping[str, Any] | None, agent: Agent | None) -> Self:
        """Return the task of one run: with `agent` in place of its own, and the inputs in its texts.

        Raises:
            UsageError: an input is missing, or leads the file of the answer out of its folder.
        """
        where = f"of the task {self.label[:60]!r}"
        update: dict[str, Any] = {
            "description": interpolated(self.description, inputs, f"the description {where}"),
            "expected_output": interpolated(self.expected_output, inputs, f"the expected_output {where}"),
            "agent": agent,
        }
        if self.output_file is not None:
            # One that is set later may be a path.
            given = str(self.output_file)
            file = interpolated(given, inputs, f"the output_file {where}")
            if is_elsewhere(file) or (Path(file).is_absolute() and not Path(given).is_absolute()):
                raise UsageError(
                    f"the output_file {where} has become {file!r}, which leads out of its folder; an input names a place "
                    "inside of it, and a folder that is elsewhere is written into output_file itself"
                )
            update["output_file"] = file
        trigger = (inputs or {}).get("crewai_trigger_payload")
        if trigger is not None and self.allow_crewai_trigger_context is not False:
            update["description"] += f"\n\nWhat triggered this: {value_text(trigger)}"
        return self.model_copy(update=update)
