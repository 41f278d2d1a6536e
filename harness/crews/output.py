"""What tasks and crews come to."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import BaseModel, Field, SerializeAsAny

from harness.errors import UsageError
from harness.llm.output.usage import UsageMetrics
from harness.tools.failure import ToolFailureRecord
from harness.validation import UserModel

_SUMMARY_WORDS: Final = 10


class OutputFormat(StrEnum):
    """What a task was to give: text, a dict, or a model."""

    RAW = "raw"
    JSON = "json"
    PYDANTIC = "pydantic"


class _Answer(UserModel):
    """An answer, which may have a form."""

    #: The answer as text.
    raw: str = ""
    #: The answer as the task's `output_pydantic`.
    pydantic: SerializeAsAny[BaseModel] | None = None
    #: The answer as the task's `output_json`, as a dict; of a root model of something else, as that.
    json_dict: Any = None

    def to_dict(self) -> Any:
        """Return the structured answer as a dict, or what its root model is of; an empty one where there is none."""
        if self.json_dict is not None:
            return self.json_dict
        return {} if self.pydantic is None else self.pydantic.model_dump()

    @property
    def json(self) -> str:  # type: ignore[override]
        """The dict as JSON text. Raises UsageError where the task, or a crew's last one, gives none."""
        if self.json_dict is None:
            raise UsageError("there is no JSON output: the task, or the crew's last one, has no output_json")
        return json.dumps(self.json_dict, ensure_ascii=False)


class TaskOutput(_Answer):
    """What a task came to; `str()` is the model or the dict where there is one, else the text."""

    #: Fields that a frame shows of it: the conversation is in the frames already.
    shown_in_frames: ClassVar[tuple[str, ...]] = ("name", "description", "raw", "json_dict", "agent", "output_format")

    #: What was to be done.
    description: str
    #: What the task is called; what was to be done, where it has no name.
    name: str | None = None
    expected_output: str | None = None
    #: The first words of the description.
    summary: str | None = None
    #: The role of the agent that answered.
    agent: str
    output_format: OutputFormat = OutputFormat.RAW
    #: The agent's conversation with its model.
    messages: list[dict[str, Any]] = Field(default_factory=list)
    #: The tools that failed on the way.
    tool_failures: list[ToolFailureRecord] = Field(default_factory=list)

    def model_post_init(self, context: Any, /) -> None:
        """Sum up the description, where nothing else was given."""
        if self.summary is None:
            self.summary = f"{' '.join(self.description.split(' ')[:_SUMMARY_WORDS])}..."

    def __str__(self) -> str:
        structured = self.pydantic or self.json_dict
        return self.raw if structured is None else str(structured)


class CrewOutput(_Answer):
    """What a crew came to: its last task's answer, and those of all; `str()` is the text."""

    #: Fields that a frame shows of it: the tasks' own frames have the others.
    shown_in_frames: ClassVar[tuple[str, ...]] = ("raw", "json_dict", "token_usage")

    #: In the order of the tasks.
    tasks_output: list[TaskOutput] = Field(default_factory=list)
    #: What all calls to models inside have used.
    token_usage: UsageMetrics = Field(default_factory=UsageMetrics)

    @property
    def tool_failures(self) -> list[ToolFailureRecord]:
        """The tools that failed on the way, in the order of the tasks."""
        return [failure for output in self.tasks_output for failure in output.tool_failures]

    def __getitem__(self, name: str) -> Any:
        """Return a field of the structured answer. Raises KeyError where there is none of that name."""
        return self.to_dict()[name]

    def __str__(self) -> str:
        return self.raw
