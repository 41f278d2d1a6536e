"""One execution of an agent: it asks its model, uses the tools that the model asks for, and asks again, to the answer."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from harness.agents import prompts, text_form
from harness.agents.digest import shortened
from harness.agents.driver import Driver
from harness.agents.inquiry import Inquirer
from harness.agents.output import AgentAction, AgentFinish, LiteAgentOutput
from harness.agents.structured import in_form
from harness.agents.toolbox import Toolbox, ToolResult
from harness.bus.scope import Scope
from harness.bus.step import Step, StepEnds
from harness.errors import HarnessError, LLMContextLengthExceededError
from harness.events import (
    AgentExecutionCompletedEvent,
    AgentExecutionErrorEvent,
    AgentExecutionStartedEvent,
    BaseEvent,
)
from harness.llm.output.assembly import CUTTING, arguments_in, free_id
from harness.llm.run_usage import RunUsage
from harness.validation import model_json

#: Looks at an answer before it is given on, and returns it, or another.
Review = Callable[[LiteAgentOutput], Awaitable[LiteAgentOutput]]
#: How many tools of one answer are used at once.
_AT_ONCE: Final = 8
ENDS: Final = StepEnds(completed=AgentExecutionCompletedEvent, failed=AgentExecutionErrorEvent)


class IterationLimitError(HarnessError):
    """An agent has used all its steps, and its model still asked for tools when it was to answer."""


@dataclass(slots=True)
class Execution:
    """What one agent does for one task or one kickoff; made for it and thrown away after it."""

    agent: Any
    driver: Driver
    inquirer: Inquirer
    toolbox: Toolbox
    #: The fields by which its events name whose they are.
    owner: dict[str, Any]
    #: Told of each step.
    callbacks: Sequence[Callable[..., Any]] = ()
    #: The form of the answer.
    model: type[BaseModel] | None = None
    usage: RunUsage | None = None
    _ending: _Ending = field(default_factory=lambda: _Ending(), init=False)
    _messages: list[dict[str, Any]] = field(default_factory=list, init=False)
    #: How many of them it began with, which are never shortened.
    _opening_length: int = field(default=0, init=False)
    #: How many tools its model has asked for.
    _calls_made: int = field(default=0, init=False)

    async def answer(
        self,
        opening: list[dict[str, Any]],
        prompt: str,
        review: Review | None = None,
        conversation: Sequence[dict[str, Any]] = (),
    ) -> LiteAgentOutput:
        """Return what the agent answers to the first messages, and what has been said since, once it has been reviewed.

        `prompt` is what its frames show of the task. A review may `resume`, all of it inside this one execution.

        Raises:
            TimeoutError: it took longer than `max_execution_time`.
            BaseException: what its model or a callback raised, after the frames that tell of it.
        """
        agent, tools = self.agent, [*self.toolbox.tools.values()]
        self._messages, self._opening_length = [*opening, *conversation], len(opening)
        started = AgentExecutionStartedEvent(
            agent=agent, task=self.inquirer.task, task_prompt=prompt, tools=tools or None, **self.owner
        )
        async with self.driver.step(Step(agent, started, ENDS, label=agent.role, own_run=True)) as step:
            step.scope.sinks = (*step.scope.sinks, self._ending, *([] if self.usage is None else [self.usage]))
            answered = await self._answer()
            if review is not None:
                answered = await review(answered)
            step.complete(output=answered.raw)
        return answered

    async def resume(self, request: dict[str, Any]) -> LiteAgentOutput:
        """Return what the agent answers to one more message, after all that has been said."""
        self._messages.append(request)
        return await self._answer()

    async def _answer(self) -> LiteAgentOutput:
        limit_s = self.agent.max_execution_time
        late = f"the agent {self.agent.role!r} has not answered within {limit_s} s, its max_execution_time"
        raw, structured = await self.driver.within(limit_s, self._work, late)
        return LiteAgentOutput(
            raw=raw,
            pydantic=structured,
            agent_role=self.agent.role,
            messages=self._messages,
            tool_failures=self.toolbox.failures,
        )

    async def _work(self) -> tuple[str, BaseModel | None]:
        answer = await self._last_answer()
        if isinstance(answer, ToolResult):
            return answer.text, await self._in_form(answer.text, answer.value)
        structured = answer if isinstance(answer, BaseModel) else await self._in_form(answer)
        raw = answer if isinstance(answer, str) else model_json(answer)
        self._messages.append({"role": "assistant", "content": raw})
        return raw, structured

    async def _in_form(self, text: str, value: Any = None) -> BaseModel | None:
        """Return an answer in the form that was asked for, which the value that it is the text of may have; None for none."""
        if self.model is None:
            return None
        return value if isinstance(value, self.model) else await in_form(self.inquirer, text, self.model)

    async def _last_answer(self) -> str | BaseModel | ToolResult:
        """Return the answer, or the result of a tool, where that is the answer."""
        tools = self.toolbox.definitions()
        for _ in range(self.agent.max_iter):
            answer = await self._ask(tools)
            calls = _calls_in(answer, self._calls_made)
            if calls is None:
                used = await self._use_in_text(answer)
            else:
                used = await self._use_calls(calls, getattr(answer, "text", None))
            if used is None:
                return await self._finish(answer)
            if used.is_answer:
                await self._notify(AgentFinish("", used.text, used.text))
                return used
        self._messages.append({"role": "user", "content": prompts.LAST_CALL})
        answer = await self._ask(None)
        if self._asks_for_tools(answer):
            raise IterationLimitError(
                f"the agent {self.agent.role!r} has used its max_iter of {self.agent.max_iter}, and its model "
                "asks for tools where it is to answer"
            )
        return await self._finish(answer)

    async def _ask(self, tools: list[dict[str, Any]] | None) -> Any:
        """Return what the model says, asked with a shorter record of what was done where that has outgrown its window."""
        try:
            return await self._request(tools)
        except LLMContextLengthExceededError:
            if not self.agent.respect_context_window:
                raise
            messages = await shortened(self.inquirer, self._messages, self._opening_length)
            if messages is None:
                raise
        self._messages = messages
        return await self._request(tools)

    async def _request(self, tools: list[dict[str, Any]] | None) -> Any:
        in_text = self.inquirer.in_text
        # One that tells nothing of its calls was not cut, as far as can be known; tools may have called others.
        self._ending.is_cut = False
        return await self.inquirer.ask(
            self._messages,
            tools=None if in_text else tools,
            # With tools, a model that is to answer in a form does so before it has used any.
            response_model=self.model if tools is None else None,
            stop=text_form.STOP_WORD if in_text and tools else None,
        )

    async def _finish(self, answer: Any) -> str | BaseModel:
        thought, output = "", answer
        if isinstance(answer, str):
            thought, output = text_form.read_answer(answer, in_text=self.inquirer.in_text)
        elif not isinstance(answer, BaseModel):
            output = str(answer)
        text = answer if isinstance(answer, str) else str(output)
        await self._notify(AgentFinish(thought, output, text))
        return output  # type: ignore[no-any-return]

    async def _use_calls(self, calls: list[dict[str, Any]], beside: str | None) -> ToolResult:
        """Use the tools that the model asks for, and tell it in its order what they gave, and what it said beside.

        They work side by side where they may, a few at a time.
        """
        self._calls_made += len(calls)
        self._messages.append({"role": "assistant", "content": beside, "tool_calls": list(map(self._sendable, calls))})
        answer: ToolResult | None = None
        used = ToolResult("")
        for batch in self._batches(calls):
            for call, used in zip(batch, await self._use_together(batch), strict=True):
                name, arguments = call["function"]["name"], call["function"]["arguments"]
                output = {"role": "tool", "tool_call_id": call["id"], "name": self.toolbox.sendable_name(name)}
                self._messages.append({**output, "content": used.text})
                await self._notify(AgentAction(beside or "", name, arguments, beside or "", used.text))
                answer = answer or (used if used.is_answer else None)
        return answer or used

    def _sendable(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return a call as all APIs take it back, whatever a model has made up, or was cut off in the middle of."""
        text = str(call["function"]["arguments"])
        try:
            json.dumps(arguments_in(text), allow_nan=False)
        except ValueError:
            # As Anthropic advises: https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
            text = json.dumps({"INVALID_JSON": text})
        name = self.toolbox.sendable_name(call["function"]["name"])
        return {**call, "function": {**call["function"], "name": name, "arguments": text}}

    def _batches(self, calls: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        """Return the calls in their order, those in one list that are used at once."""
        together = self.toolbox.can_run_together([call["function"]["name"] for call in calls])
        size = _AT_ONCE if together else 1
        return [calls[place : place + size] for place in range(0, len(calls), size)]

    async def _use_together(self, calls: list[dict[str, Any]]) -> list[ToolResult]:
        functions = [call["function"] for call in calls]
        uses = [functools.partial(self.toolbox.use, each["name"], each["arguments"]) for each in functions]
        return [await uses[0]()] if len(uses) == 1 else await self.driver.side_by_side(uses)

    async def _use_in_text(self, answer: Any) -> ToolResult | None:
        """Use the tool that the model asks for in text, if it does; one that has only thought is told to go on, once."""
        action = self._action_in(answer)
        if action is None:
            thinks = self.inquirer.in_text and isinstance(answer, str) and text_form.only_thinks(answer)
            # Some begin whatever they answer as a thought, and would do so to the last iteration.
            if not thinks or self._messages[-1].get("content") == prompts.GO_ON:
                return None
            self._messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": prompts.GO_ON}]
            return ToolResult("")
        used = await self.toolbox.use(action.tool, action.arguments)
        self._messages += [{"role": "assistant", "content": action.text}, text_form.observed(used.text)]
        await self._notify(AgentAction(action.thought, action.tool, action.arguments, action.text, used.text))
        return used

    def _action_in(self, answer: Any) -> text_form.TextAction | None:
        if not self.inquirer.in_text or not isinstance(answer, str):
            return None
        action = text_form.read_action(answer, is_cut=self._ending.is_cut)
        # Where they need none, some ask for a tool such as "None", and go on to the answer.
        if action is not None and action.tool not in self.toolbox and text_form.goes_on_to_answer(answer):
            return None
        return action

    def _asks_for_tools(self, answer: Any) -> bool:
        """Whether the model asks for tools where it is to answer; an answer in text may speak of actions, or follow one."""
        action = self._action_in(answer)
        if action is None:
            return _calls_in(answer) is not None
        return action.tool in self.toolbox and not text_form.goes_on_to_answer(answer)

    async def _notify(self, step: AgentAction | AgentFinish) -> None:
        for callback in self.callbacks:
            await self.driver.call(callback, step)


def distinct(*callbacks: Callable[..., Any] | None) -> list[Callable[..., Any]]:
    """Return callbacks in their order, each once: an agent, or a task, may have that of its crew."""
    found: list[Callable[..., Any]] = []
    for callback in callbacks:
        if callback is not None and callback not in found:
            found.append(callback)
    return found


class _Ending:
    """Whether a limit or a filter cut the latest answer; takes part in the run's events."""

    sees_all = False
    keeps_order = False

    def __init__(self) -> None:
        self.is_cut = False

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        """Look at a call that has completed; part of `harness.bus.scope.Sink`."""
        if event.closes == "call" and event.type == "llm_call_completed":
            self.is_cut = getattr(event, "finish_reason", None) in CUTTING


def _calls_in(answer: Any, earlier: int = 0) -> list[dict[str, Any]] | None:
    """Return the tool calls that a model asks for, after `earlier` ones; None where it says something else.

    A subclass with a `call` of its own may give them as its provider's SDK does.
    """
    if not isinstance(answer, list) or not answer:
        return None
    # By their ids, in their order.
    calls: dict[str, dict[str, Any]] = {}
    for request in answer:
        call = _call(request, earlier + len(calls), calls.keys())
        if call is None:
            return None
        calls[call["id"]] = call
    return list(calls.values())


def _call(request: Any, number: int, used: Collection[str]) -> dict[str, Any] | None:
    """Return a tool call of OpenAI's, Anthropic's, Bedrock's or Gemini's as one of OpenAI's, with an id that no other has."""
    given = request.model_dump() if isinstance(request, BaseModel) else request
    function = _field(given, "function", "function_call", default=given)
    name, arguments = _field(function, "name"), _field(function, "arguments", "input", "args")
    if not isinstance(name, str) or (function is given and arguments is None):
        return None
    return {
        # Such as what a host ties to the call.
        **(given if isinstance(given, Mapping) and "function" in given else {}),
        "id": free_id(number, used, _field(given, "call_id", "id", "toolUseId")),
        "type": "function",
        "function": {
            "name": name,
            "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments or {}, default=str),
        },
    }


def _field(owner: Any, *names: str, default: Any = None) -> Any:
    """Return the first of these that an object or a dict has."""
    found = (owner.get(name) if isinstance(owner, Mapping) else getattr(owner, name, None) for name in names)
    return next((value for value in found if value is not None), default)
