"""Asking an agent's model, whatever its class, and asking again where it failed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from harness.agents import text_form
from harness.agents.driver import Driver
from harness.agents.pace import Paced
from harness.agents.prompts import form_text
from harness.annotations import signature_of
from harness.errors import HarnessError, MalformedResponseError, ProviderError
from harness.llm.base import BaseLLM
from harness.llm.input.words import whole_characters
from harness.llm.overrides import call_stop_override
from harness.workers import asettled, in_thread, settled


@dataclass
class Inquirer:
    """Asks one model for one execution of an agent."""

    llm: Any
    driver: Driver
    #: Whose question it is, as the events of the calls say.
    agent: Paced
    task: Any = None
    #: The crew that it is asked for, whose pace it keeps as well.
    crew: Paced | None = None
    #: Whether it is told of tools in text, since it can't be given any.
    in_text: bool = False
    #: How often a failing call is made again, in all.
    retries: int = 0

    async def ask(
        self,
        messages: list[dict[str, Any]],
        *,
        tools: list[dict[str, Any]] | None = None,
        response_model: type[BaseModel] | None = None,
        stop: str | None = None,
    ) -> Any:
        """Return what the model answers: text, a model, or tool calls; waits where the pace says so.

        Where an answer is not in the form of `response_model`, the model is told of that in words.

        Raises:
            Exception: what the call failed with, once it is not to be made again.
        """
        options = {
            "tools": tools,
            "from_task": self.task,
            "from_agent": self.agent,
            "response_model": response_model,
        }
        llm, driver, known = self.llm, self.driver, _parameters(self.llm.call)
        accepted = {
            name: value for name, value in options.items() if value is not None and not known.isdisjoint((name, "**"))
        }
        # As it is now: the model must not see what is added to the conversation later.
        sent = plain = whole_characters(messages)
        while True:
            delay_s = max(paced.delay_s() for paced in (self.agent, self.crew) if paced is not None)
            if delay_s > 0:
                await driver.wait(delay_s)
            try:
                with _stopping(llm, stop):
                    answer = await driver.either(
                        partial(_call, llm, sent, accepted), partial(_acall, llm, sent, accepted)
                    )
                if answer is None or (isinstance(answer, str) and text_form.is_nothing(answer, in_text=self.in_text)):
                    raise MalformedResponseError(
                        f"{getattr(llm, 'model', type(llm).__name__)} has answered with nothing",
                        provider=str(getattr(llm, "provider", "custom")),
                    )
            except Exception as error:
                if self.retries <= 0 or not _may_pass(error):
                    raise
                self.retries -= 1
                if response_model is not None and isinstance(error, MalformedResponseError):
                    sent = _in_words(plain, response_model)
            else:
                return answer


def accepts(llm: Any, option: str) -> bool:
    """Return whether a model's `call` has a parameter of that name; a subclass's own need not have all."""
    return not _parameters(llm.call).isdisjoint((option, "**"))


def takes_tools(llm: Any) -> bool:
    """Return whether a model can be given tools."""
    return accepts(llm, "tools") and _says_yes(llm, "supports_function_calling")


def _says_yes(llm: Any, question: str) -> bool:
    method = getattr(llm, question, None)
    return callable(method) and bool(method())


def _in_words(messages: list[dict[str, Any]], model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return messages whose last one tells the form of the answer in words, for hosts that hold no model to it."""
    form, last = form_text(model), messages[-1]
    content = last.get("content") or ""
    if form in content:
        return messages
    content = f"{content}\n\n{form}" if isinstance(content, str) else [*content, {"type": "text", "text": form}]
    return [*messages[:-1], {**last, "content": content}]


def _call(llm: Any, messages: list[dict[str, Any]], options: dict[str, Any]) -> Any:
    return settled(llm.call(messages, **options))


async def _acall(llm: Any, messages: list[dict[str, Any]], options: dict[str, Any]) -> Any:
    # A subclass with a `call` of its own need not take all that the base's `acall` would hand on to it.
    has_own_call = isinstance(llm, BaseLLM) and type(llm).acall is BaseLLM.acall and type(llm).call is not BaseLLM.call
    if callable(getattr(llm, "acall", None)) and not has_own_call:
        known = _parameters(llm.acall)
        # Whose call it is need not be told to one that does not ask.
        untold = set() if "**" in known else {"from_agent", "from_task"} - known
        return await llm.acall(messages, **{name: value for name, value in options.items() if name not in untold})
    return await asettled(await in_thread(lambda: llm.call(messages, **options)))


def _stopping(llm: Any, stop: str | None) -> AbstractContextManager[None]:
    # One that knows no call scope would be set for all who share it; it is not told, and what it says is cut.
    if stop is None or not (getattr(llm, "knows_call_scope", False) and _says_yes(llm, "supports_stop_words")):
        return nullcontext()
    own = getattr(llm, "stop_sequences", None) or getattr(llm, "stop", None) or []
    return call_stop_override(llm, [*([own] if isinstance(own, str) else own), stop])


def _may_pass(error: Exception) -> bool:
    """Return whether the same call may succeed: not where it could not be sent, or the provider has said no for good."""
    if isinstance(error, MalformedResponseError):
        return True
    return error.retryable if isinstance(error, ProviderError) else not isinstance(error, HarnessError)


def _parameters(call: Callable[..., Any]) -> frozenset[str]:
    try:
        parameters = signature_of(call).parameters.values()
    except (TypeError, ValueError):
        return frozenset({"**"})
    return frozenset("**" if each.kind is each.VAR_KEYWORD else each.name for each in parameters)
