"""`Agent`: a role with a goal, an LLM and tools, that answers by itself or does the tasks of a crew."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from harness.agents import prompts, text_form
from harness.agents.agent_settings import AgentSettings
from harness.agents.driver import Driver, LoopDriver, ThreadDriver, run_unsuspended
from harness.agents.execution import Execution, distinct
from harness.agents.guardrail import guarded, replacement
from harness.agents.inquiry import Inquirer, accepts, takes_tools
from harness.agents.output import LiteAgentOutput
from harness.agents.toolbox import Toolbox, ToolCache, named
from harness.bus.running_loop import is_loop_running
from harness.errors import UsageError
from harness.llm import input as inputs
from harness.llm.input.words import has_content, words_in
from harness.llm.run_usage import RunUsage
from harness.session.session import AsyncStreamSession, StreamSession
from harness.tools.base_tool import BaseTool

Messages = str | Sequence[dict[str, Any]]


class Agent(AgentSettings):
    """An agent. Nothing about it changes while it works, so threads, tasks and crews may share one.

    `{name}` in `role`, `goal` and `backstory` stands for an input of the crew's kickoff.
    """

    # What users call.

    def kickoff(
        self, messages: Messages, response_format: type[BaseModel] | None = None, input_files: Any = None
    ) -> Any:
        """Return the answer to a question or a conversation, as a `LiteAgentOutput`; in a running loop, a coroutine of it.

        With a `response_format` the answer is also there as that model.

        Raises:
            UsageError: the messages can't be sent.
            GuardrailError: no answer passed the guardrail.
            TimeoutError: `max_execution_time` has passed.
            ProviderError: the model's call failed as often as it may.
        """
        if is_loop_running():
            return self.kickoff_async(messages, response_format, input_files)
        return run_unsuspended(self._agent_kickoff(ThreadDriver(), messages, response_format, input_files))

    def kickoff_async(
        self, messages: Messages, response_format: type[BaseModel] | None = None, input_files: Any = None
    ) -> Coroutine[Any, Any, LiteAgentOutput]:
        """Do as `kickoff`, without blocking the loop."""
        return self._agent_kickoff(LoopDriver(), messages, response_format, input_files)

    def akickoff(
        self, messages: Messages, response_format: type[BaseModel] | None = None, input_files: Any = None
    ) -> Coroutine[Any, Any, LiteAgentOutput]:
        """The same as `kickoff_async`."""
        return self.kickoff_async(messages, response_format, input_files)

    def stream_events(
        self,
        messages: Messages,
        response_format: type[BaseModel] | None = None,
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> StreamSession[LiteAgentOutput]:
        """Return a session whose first reader starts a kickoff; its result is what that returns.

        `look_ahead` bounds the frames that nobody has read yet; without `retain`, read frames are let go of.
        """
        return StreamSession(
            lambda: run_unsuspended(self._agent_kickoff(ThreadDriver(), messages, response_format)),
            source=self,
            look_ahead=look_ahead,
            retain=retain,
        )

    def astream(
        self,
        messages: Messages,
        response_format: type[BaseModel] | None = None,
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> AsyncStreamSession[LiteAgentOutput]:
        """Do as `stream_events`, for readers in a loop."""
        return AsyncStreamSession(
            lambda: self._agent_kickoff(LoopDriver(), messages, response_format),
            source=self,
            look_ahead=look_ahead,
            retain=retain,
        )

    def execute_task(self, task: Any, context: str | None = None, tools: Sequence[BaseTool] | None = None) -> str:
        """Return the text of what the agent answers to a task, with `context` from earlier work.

        Frames tell of the agent's execution; those of the task are its crew's.
        """
        return run_unsuspended(self.perform(ThreadDriver(), task, context, tools)).raw

    async def aexecute_task(
        self, task: Any, context: str | None = None, tools: Sequence[BaseTool] | None = None
    ) -> str:
        """Do as `execute_task`, without blocking the loop."""
        return (await self.perform(LoopDriver(), task, context, tools)).raw

    # What runs of crews ask.

    async def perform(
        self,
        driver: Driver,
        task: Any,
        context: str | None = None,
        tools: Sequence[BaseTool] | None = None,
        *,
        crew: Any = None,
        results: ToolCache | None = None,
        response_model: type[BaseModel] | None = None,
        conversation: Sequence[dict[str, Any]] = (),
        owner: Any = None,
    ) -> LiteAgentOutput:
        """Do a task: an object with `description` and `expected_output`.

        `crew` has a pace, a `step_callback` and a `tool_failure_policy` for all its agents. `owner` is the task of the crew
        that it is part of, where that is another one: what events name. `conversation` is what has been said since the
        first prompt.
        """
        prompt = prompts.task_text(
            task.description, task.expected_output, context, markdown=bool(getattr(task, "markdown", False))
        )
        owner = task if owner is None else owner
        own = self.tools if tools is None else tools
        execution = self._agent_execution(
            driver, own, task=owner, crew=crew, results=results, response_model=response_model
        )
        request = self._agent_in_form(prompt, response_model, own)
        return await execution.answer(self._agent_opening(request, own), prompt, conversation=conversation)

    def inquirer(self, driver: Driver, *, task: Any = None, crew: Any = None, tools: bool = False) -> Inquirer:
        """Return what asks its model, with tools or without."""
        return Inquirer(
            self.model(with_tools=tools),
            driver,
            agent=self,
            crew=crew,
            task=task,
            in_text=self._agent_tells_tools(tools),
            retries=self.max_retry_limit,
        )

    # How an answer comes about.

    async def _agent_kickoff(
        self, driver: Driver, messages: Messages, response_format: type[BaseModel] | None, input_files: Any = None
    ) -> LiteAgentOutput:
        form: Any = response_format
        # A dict is a form for a call to a model alone.
        if form is not None and not (isinstance(form, type) and issubclass(form, BaseModel)):
            raise UsageError(f"response_format: expected a pydantic model's class, not {form!r}")
        if input_files:
            raise UsageError("input_files: agents are given no files yet; put their parts into the messages")
        opening = self._agent_conversation(messages, response_format)
        prompt = words_in(opening[_request_place(opening)].get("content"))
        usage = RunUsage()

        execution = self._agent_execution(driver, self.tools, response_model=response_format, usage=usage)

        async def retry(_: LiteAgentOutput, reason: str) -> LiteAgentOutput:
            return await execution.resume(refusal(reason))

        async def replace(reviewed: LiteAgentOutput, result: Any) -> LiteAgentOutput:
            if isinstance(result, LiteAgentOutput):
                return result
            found = await replacement(result, reviewed.raw, response_format, inquirer)
            return reviewed if found is None else reviewed.model_copy(update={"raw": found[0], "pydantic": found[1]})

        inquirer = self.inquirer(driver)

        async def review(answered: LiteAgentOutput) -> LiteAgentOutput:
            return await guarded(
                answered,
                () if self.guardrail is None else (self.guardrail,),
                retry,
                replace,
                driver=driver,
                inquirer=inquirer,
                retries=self.guardrail_max_retries,
                owner=_owner_fields(self, None),
            )

        reviewed = await execution.answer(opening, prompt, review)
        return reviewed.model_copy(update={"agent_role": self.role, "usage_metrics": usage.metrics().model_dump()})

    def _agent_execution(
        self,
        driver: Driver,
        tools: Sequence[BaseTool],
        *,
        task: Any = None,
        crew: Any = None,
        results: ToolCache | None = None,
        response_model: type[BaseModel] | None = None,
        usage: RunUsage | None = None,
    ) -> Execution:
        owner = _owner_fields(self, task)
        if results is None and self.cache and "cache" in self.model_fields_set:
            results = ToolCache()
        toolbox = Toolbox(
            tools,
            driver,
            owner={**owner, "agent": self, "agent_key": self.key},
            policies=(task, self, crew),
            results=results if self.cache else None,
        )
        return Execution(
            self,
            driver,
            self.inquirer(driver, task=task, crew=crew, tools=bool(tools)),
            toolbox,
            owner=owner,
            callbacks=distinct(self.step_callback, getattr(crew, "step_callback", None)),
            model=response_model,
            usage=usage,
        )

    def _agent_opening(self, prompt: str, tools: Sequence[BaseTool]) -> list[dict[str, Any]]:
        system, text = self._agent_system(tools), self._agent_dated(prompt)
        if not self.use_system_prompt:
            system, text = "", f"{system}\n\n{text}"
        return prompts.opening(system, text, (self.system_template, self.prompt_template, self.response_template))

    def _agent_system(self, tools: Sequence[BaseTool]) -> str:
        described = text_form.described(named(tools)) if self._agent_tells_tools(tools) else None
        return prompts.system_text(self.role, self.goal, self.backstory, described)

    def _agent_tells_tools(self, tools: object) -> bool:
        """Return whether its model is told of tools, where there are any, in text."""
        return bool(tools) and not takes_tools(self.model(with_tools=True))

    def _agent_dated(self, prompt: str) -> str:
        return prompts.dated(prompt, self.date_format) if self.inject_date else prompt

    def _agent_in_form(self, prompt: str, model: type[BaseModel] | None, tools: Sequence[BaseTool]) -> str:
        """Return a prompt that tells the form of the answer, where the model is not told of it otherwise."""
        if model is not None and (tools or not accepts(self.model(), "response_model")):
            return f"{prompt}\n\n{prompts.form_text(model)}"
        return prompt

    def _agent_conversation(self, messages: Messages, model: type[BaseModel] | None) -> list[dict[str, Any]]:
        if isinstance(messages, str):
            return self._agent_opening(self._agent_in_form(messages, model, self.tools), self.tools)
        listed = map(dict, inputs.listed_messages(messages or ()))
        # A blank one, such as an answer that was stopped before it began, is refused by some providers.
        opening = [message for message in listed if message.get("content") is None or has_content(message)]
        if not opening:
            raise UsageError(
                "messages: there are none; an agent needs a string or at least one {role, content} message"
            )
        system = self._agent_dated(self._agent_in_form(self._agent_system(self.tools), model, self.tools))
        place = _request_place(opening)
        if self.use_system_prompt or opening[place].get("role") != "user":
            role = "system" if self.use_system_prompt else "user"
            return [{"role": role, "content": system}, *opening]
        # In the one message, since models that take no system prompt often take no two messages of the user's in turn.
        opening[place]["content"] = _preceded(system, opening[place].get("content"))
        return opening


def _request_place(conversation: Sequence[Mapping[str, Any]]) -> int:
    """Return where what is asked stands in a conversation: the user's last message, else the last one."""
    of_user = [place for place, message in enumerate(conversation) if message.get("role") == "user"]
    return of_user[-1] if of_user else len(conversation) - 1


def _preceded(text: str, content: Any) -> Any:
    """Return a message's content with a text before it."""
    return [{"type": "text", "text": text}, *content] if isinstance(content, list) else f"{text}\n\n{content or ''}"


def refusal(reason: str) -> dict[str, Any]:
    """Return the message that sends an answer back to a model."""
    return {"role": "user", "content": f"That answer was not accepted: {reason}\nGive a better one, complete."}


def _owner_fields(agent: Agent, task: Any) -> dict[str, Any]:
    """Return the fields by which events name whose they are."""
    owner: dict[str, Any] = {"agent_id": str(agent.id), "agent_role": agent.role}
    return owner if task is None else {**owner, **task_fields(task)}


def task_fields(task: Any) -> dict[str, Any]:
    """Return how events name a task."""
    return {
        "task_id": str(getattr(task, "id", "")) or None,
        "task_name": getattr(task, "name", None) or getattr(task, "description", None),
    }
