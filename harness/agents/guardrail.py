"""Guardrails: what looks at an answer before it is given on, and sends it back with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from harness.agents.driver import Driver
from harness.agents.inquiry import Inquirer
from harness.agents.structured import in_form
from harness.annotations import signature_of
from harness.bus.step import Step, StepEnds
from harness.errors import HarnessError, UsageError
from harness.events import LLMGuardrailCompletedEvent, LLMGuardrailStartedEvent
from harness.llm.input.words import value_text
from harness.validation import model_json

O = TypeVar("O")  # noqa: E741 - an output of any kind
#: A function from an output to `(True, the output or a changed one)` or `(False, what is wrong)`; or, in words, what is
#: to hold, which the agent's own LLM judges.
Guardrail = Callable[..., Any] | str
_ENDS: Final = StepEnds(completed=LLMGuardrailCompletedEvent, failed=LLMGuardrailCompletedEvent)


class GuardrailError(HarnessError, ValueError):
    """An answer did not pass a guardrail as often as it was allowed to try."""


class _Judgement(BaseModel):
    """What an LLM says of an answer."""

    valid: bool
    feedback: str | None = None


def check_guardrail(guardrail: Guardrail) -> None:
    """Raise UsageError for a function that can't be called with an output alone: it would be, once the work is done."""
    if isinstance(guardrail, str):
        return
    try:
        # A decorator may give what the function inside takes besides.
        parameters = signature_of(guardrail, follow_wrapped=False)
    except ValueError:  # some that are written in C tell nothing of theirs
        return
    try:
        parameters.bind(None)
    except TypeError as error:
        raise UsageError(
            f"a guardrail is called with the output alone, and {_name(guardrail)}{parameters} is not to be: {error}"
        ) from error


async def guarded(
    output: O,
    guardrails: Sequence[Guardrail],
    retry: Callable[[O, str], Awaitable[O]],
    replace: Callable[[O, Any], Awaitable[O]],
    *,
    driver: Driver,
    inquirer: Inquirer,
    retries: int,
    owner: dict[str, Any],
) -> O:
    """Return an output that every guardrail lets pass, in their order, each with as many retries.

    `retry` makes another output of one that was refused, and the reason; `replace` takes what a guardrail gave in place
    of the output.

    Raises:
        GuardrailError: one refuses for the last time.
    """
    tries = [0] * len(guardrails)
    place = 0
    while place < len(guardrails):
        guardrail = guardrails[place]
        passed, result = await _judged(guardrail, output, tries[place], driver, inquirer, owner)
        if passed:
            output = await replace(output, result)
            place += 1
            continue
        if tries[place] == retries:
            raise GuardrailError(
                f"the answer did not pass the guardrail {_name(guardrail)!r} after {retries} retries; what it said "
                f"last: {result}"
            )
        tries[place] += 1
        output = await retry(output, value_text(result))
        # The new output has passed none of them.
        place = 0
    return output


async def replacement(
    result: Any, raw: str, form: type[BaseModel] | None, inquirer: Inquirer
) -> tuple[str, BaseModel | None] | None:
    """Return the text and the structured answer that a guardrail gave in place of `raw`; None where it left that."""
    text = getattr(result, "raw", None)
    # What another agent, task or crew gave is its answer.
    if isinstance(text, str) and not (form and isinstance(result, form)):
        result = text
    if isinstance(result, BaseModel):
        return model_json(result), result
    if not isinstance(result, str) or result == raw:
        return None
    return result, None if form is None else await in_form(inquirer, result, form)


async def _judged(
    guardrail: Guardrail, output: Any, attempt: int, driver: Driver, inquirer: Inquirer, owner: dict[str, Any]
) -> tuple[bool, Any]:
    name = _name(guardrail)
    started = LLMGuardrailStartedEvent(
        guardrail=name,
        guardrail_type="llm" if isinstance(guardrail, str) else "function",
        guardrail_name=name,
        retry_count=attempt,
        **owner,
    )
    failure: Exception | None = None
    passed, result = False, None
    # As the events of a call are the LLM's: those of a look are of the task, or the agent, whose answer is looked at.
    source = inquirer.agent if inquirer.task is None else inquirer.task
    async with driver.step(Step(source, started, _ENDS)) as step:
        try:
            if isinstance(guardrail, str):
                passed, result = await _judged_by_model(guardrail, output, inquirer)
            else:
                passed, result = _verdict(await driver.call(guardrail, output), guardrail)
        except Exception as error:
            failure = error
        step.complete(
            success=passed,
            result=result if passed else None,
            error=None if passed else failure or str(result),
            retry_count=attempt,
        )
    if failure is not None:
        raise failure
    return passed, result


async def _judged_by_model(rule: str, output: Any, inquirer: Inquirer) -> tuple[bool, Any]:
    request = (
        f"Judge an answer by one rule.\n\nThe rule: {rule}\n\nThe answer:\n{output}\n\nSay in `valid` whether the answer "
        "keeps the rule, and, where it does not, in `feedback` what has to change."
    )
    messages = [{"role": "user", "content": request}]
    answer = await inquirer.ask(messages, response_model=_Judgement)
    judged = answer if isinstance(answer, _Judgement) else await in_form(inquirer, str(answer), _Judgement)
    return judged.valid, output if judged.valid else judged.feedback or rule


def _verdict(verdict: Any, guardrail: Guardrail) -> tuple[bool, Any]:
    if isinstance(verdict, tuple) and len(verdict) == 2 and isinstance(verdict[0], bool):
        return verdict
    raise TypeError(
        f"a guardrail returns (True, the output) or (False, what is wrong with it); {_name(guardrail)} returned {repr(verdict)[:200]}"
    )


def _name(guardrail: Guardrail) -> str:
    if isinstance(guardrail, str):
        return guardrail
    return str(getattr(guardrail, "__name__", None) or type(guardrail).__name__)
