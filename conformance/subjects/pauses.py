"""Methods that have a human asked for feedback, and who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.stage.programs import Feedback


@dataclass(frozen=True)
class PauseNames:
    """What it takes to ask a human, under the names that this runtime has for it."""

    #: The decorator of a method, under `start` and `listen`.
    human_feedback: Any
    #: What a provider raises in place of an answer, and what a run that waits has as its value.
    HumanFeedbackPending: Any
    #: The base class of what keeps states and waiting flows.
    FlowPersistence: Any
    #: What keeps them in a file, given its path.
    SQLiteFlowPersistence: Any


class _Human:
    """A provider: it answers at once, or says that the answer will come later."""

    def __init__(self, names: PauseNames, answer: str | None) -> None:
        self._names = names
        self._answer = answer

    def request_feedback(self, context: Any, flow: Any) -> str:
        if self._answer is None:
            raise self._names.HumanFeedbackPending(context=context)
        return self._answer


def asking(names: PauseNames, feedback: Feedback, llm: Callable[[], Any], run: Callable[..., Any]) -> Any:
    """Return a method of a flow that has a human asked about what `run` gives; `llm()` chooses among outcomes."""
    provider = _Human(names, feedback.answer) if feedback.asked_by == "provider" else None
    routes: dict[str, Any] = {"emit": list(feedback.outcomes), "llm": llm()} if feedback.outcomes else {}
    return names.human_feedback(message=feedback.message, provider=provider, **routes)(run)
