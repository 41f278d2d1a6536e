"""A task as an agent does it: asked for, looked at by guardrails and people, written down, and told of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from harness.agents import Agent
from harness.agents.agent import refusal, task_fields
from harness.agents.driver import Driver
from harness.agents.execution import distinct
from harness.agents.guardrail import guarded, replacement
from harness.agents.output import LiteAgentOutput
from harness.agents.structured import in_form
from harness.agents.toolbox import ToolCache
from harness.bus.scope import numbered
from harness.bus.step import Step, StepEnds
from harness.crews.human import requested_change
from harness.crews.output import OutputFormat, TaskOutput
from harness.crews.own_methods import Replaceable
from harness.crews.task_settings import TaskSettings, is_elsewhere
from harness.errors import UsageError
from harness.events import TaskCompletedEvent, TaskFailedEvent, TaskStartedEvent
from harness.llm.input.words import value_text
from harness.tools.base_tool import BaseTool
from harness.tools.failure import ToolFailureRecord
from harness.validation import model_json

_ENDS: Final = StepEnds(completed=TaskCompletedEvent, failed=TaskFailedEvent)
_EXECUTION: Final = Replaceable(Agent.execute_task, Agent.aexecute_task)


@dataclass
class Duty:
    """One task in the hands of one agent, once."""

    task: TaskSettings
    #: Who does it, and with what.
    agent: Agent
    driver: Driver
    tools: Sequence[BaseTool]
    #: The crew that it is done for, and what the tools of that have given.
    crew: Any = None
    results: ToolCache | None = None
    #: Which of the tasks of its name it is, where several may be done beside each other.
    number: int = 1
    #: Of the tools of those that work was handed to, since the last answer.
    coworker_failures: list[ToolFailureRecord] = field(default_factory=list)
    _context: str | None = field(default=None, init=False)

    async def do(self, context: str | None) -> TaskOutput:
        """Return what the task comes to.

        Raises:
            BaseException: what made it fail, after the frames that tell of it.
        """
        task, driver = self.task, self.driver
        self._context = context
        started = TaskStartedEvent(task=task, context=context or None, **task_fields(task))
        async with driver.step(Step(task, started, _ENDS, label=numbered(task.label, self.number))) as step:
            output = await self._guarded(await self._answer(()))
            if task.human_input:
                output = await self._approved(output)
            if task.output_file is not None:
                await driver.call(_write, task, output)
            for callback in distinct(task.callback, None if self.crew is None else self.crew.task_callback):
                await driver.call(callback, output)
            step.complete(output=output)
        return output

    async def _answer(self, conversation: Sequence[dict[str, Any]]) -> TaskOutput:
        answered = await performed(
            self.agent,
            self.driver,
            self.task,
            self._context,
            self.tools,
            crew=self.crew,
            results=self.results,
            response_model=self.task.form,
            conversation=conversation,
        )
        return self._output(answered)

    async def _answer_again(self, output: TaskOutput, request: dict[str, Any]) -> TaskOutput:
        """Return what follows an output, and what is said of it; the tools that failed on the way to that stay noted."""
        answer = await self._answer(_after_opening(output, request))
        return answer.model_copy(update={"tool_failures": [*output.tool_failures, *answer.tool_failures]})

    def _output(self, answered: LiteAgentOutput) -> TaskOutput:
        task, failures = self.task, [*self.coworker_failures, *answered.tool_failures]
        self.coworker_failures.clear()
        return _in_format(
            TaskOutput(
                description=task.description,
                name=task.label,
                expected_output=task.expected_output,
                raw=answered.raw,
                agent=self.agent.role,
                messages=answered.messages,
                tool_failures=failures,
            ),
            task,
            answered.pydantic,
        )

    async def _guarded(self, output: TaskOutput) -> TaskOutput:
        task = self.task
        inquirer = self.agent.inquirer(self.driver, task=task, crew=self.crew)

        async def retry(output: TaskOutput, reason: str) -> TaskOutput:
            return await self._answer_again(output, refusal(reason))

        async def replace(output: TaskOutput, result: Any) -> TaskOutput:
            if isinstance(result, TaskOutput):
                return result
            found = await replacement(result, output.raw, task.form, inquirer)
            return output if found is None else _in_format(output.model_copy(update={"raw": found[0]}), task, found[1])

        return await guarded(
            output,
            task.all_guardrails,
            retry,
            replace,
            driver=self.driver,
            inquirer=inquirer,
            retries=task.guardrail_max_retries,
            owner={**task_fields(task), "agent_id": self.agent.id, "agent_role": self.agent.role},
        )

    async def _approved(self, output: TaskOutput) -> TaskOutput:
        # Who asks is the crew, where there is one.
        requester = self.agent.role if self.crew is None else self.crew.label
        while change := await requested_change(self.driver, requester, self.task, output):
            request = {
                "role": "user",
                "content": f"Somebody has looked at your answer and says: {change}\nChange it so.",
            }
            output = await self._guarded(await self._answer_again(output, request))
        return output


async def performed(
    agent: Agent,
    driver: Driver,
    task: Any,
    context: str | None,
    tools: Sequence[BaseTool] | None = None,
    **options: Any,
) -> LiteAgentOutput:
    """Return what an agent answers to a task, by its `execute_task` where that is not this project's own.

    `options` are those of `Agent.perform`; they hold for what such a method calls by `super()`, too.
    """
    if not _EXECUTION.is_replaced(agent):
        return await agent.perform(driver, task, context, tools, **options)
    answers: list[LiteAgentOutput] = []

    async def perform(_: Any, driver: Driver, *arguments: Any, **more: Any) -> LiteAgentOutput:
        answers.append(await agent.perform(driver, *arguments, **{**options, **more}))
        return answers[-1]

    arguments = {"task": task, "context": context, "tools": list(agent.tools if tools is None else tools)}
    result = await _EXECUTION.call(driver, agent, arguments, {"perform": perform})
    answered = answers[-1] if answers else LiteAgentOutput(agent_role=agent.role)
    if answers and result == answered.raw:
        return answered
    raw = model_json(result) if isinstance(result, BaseModel) else value_text(result)
    form = options.get("response_model")
    inquirer = agent.inquirer(driver, task=options.get("owner") or task, crew=options.get("crew"))
    structured = None if form is None else await in_form(inquirer, raw, form)
    return answered.model_copy(update={"raw": raw, "pydantic": structured})


def _after_opening(output: TaskOutput, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what has been said since the first prompt, and what is asked now."""
    requests = [place for place, message in enumerate(output.messages) if message["role"] == "user"]
    return [*output.messages[requests[0] + 1 :], request] if requests else [request]


def _in_format(output: TaskOutput, task: TaskSettings, structured: BaseModel | None) -> TaskOutput:
    if structured is None:
        return output
    if task.output_json is not None:
        return output.model_copy(
            update={"json_dict": json.loads(model_json(structured)), "output_format": OutputFormat.JSON}
        )
    return output.model_copy(update={"pydantic": structured, "output_format": OutputFormat.PYDANTIC})


def _write(task: TaskSettings, output: TaskOutput) -> None:
    """Write the answer to the task's file."""
    file = str(task.output_file)
    # A task that is done alone may have been given another one since it was made.
    if is_elsewhere(file):
        raise UsageError(f"the output_file of the task {task.label[:60]!r} is {file!r}, which leads out of its folder")
    path, text = Path(file), _text(output)
    try:
        if task.create_directory:
            path.parent.mkdir(parents=True, exist_ok=True)
        # A lone surrogate, half of a character that a model was cut off in, is no text.
        path.write_text(text, encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:  # the latter of a name that none can have
        raise UsageError(f"the output_file of the task {task.label[:60]!r} can't be written: {error}") from error


def _text(output: TaskOutput) -> str:
    """Return what is in the file of an answer: its JSON, where it has a form."""
    if output.json_dict is not None:
        return json.dumps(output.json_dict, ensure_ascii=False, indent=2)
    return output.raw if output.pydantic is None else model_json(output.pydantic)
