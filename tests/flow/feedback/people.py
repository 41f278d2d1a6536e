"""People who answer flows, models that choose outcomes, and a place in which flows wait, all in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.flow import HumanFeedbackPending, PendingFeedbackContext
from harness.llm import BaseLLM
from harness.workers import in_thread


class Person:
    """Gives these answers, one after the other, and keeps what they were asked."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[PendingFeedbackContext] = []

    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        self.asked.append(context)
        return self._answers.pop(0)


class AsyncPerson(Person):
    async def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:  # type: ignore[override]
        return await in_thread(lambda: Person.request_feedback(self, context, flow))


class Later:
    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        raise HumanFeedbackPending(context=context, callback_info={"where": "by mail"})


class Chooser(BaseLLM):
    """A model that gives these answers, one after the other; an exception is raised. It keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("chooser-1")
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def call(self, messages: Any, *others: Any, **options: Any) -> Any:
        response_model = options.get("response_model", others[5] if len(others) > 5 else None)
        self.asked.append({"prompt": messages[0]["content"], "response_model": response_model})
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer(response_model) if callable(answer) else answer


def structured(outcome: str) -> Callable[[Any], Any]:
    """Return an answer as the model that was asked for."""
    return lambda response_model: response_model(outcome=outcome)


def in_json(outcome: str) -> str:
    return json.dumps({"outcome": outcome})
