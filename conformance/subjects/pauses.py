"""Methods that have a human asked for feedback, and who answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.stage.programs import Feedback
from conformance.subjects.names import Names


class _Human:
    """A provider: it answers at once, or says that the answer will come later."""

    def __init__(self, names: Names, answer: str | None) -> None:
        self._names = names
        self._answer = answer

    def request_feedback(self, context: Any, flow: Any) -> str:
        if self._answer is None:
            raise self._names.HumanFeedbackPending(context=context)
        return self._answer


def asking(names: Names, feedback: Feedback, llm: Callable[[], Any], run: Callable[..., Any]) -> Any:
    """Return a method of a flow that has a human asked about what `run` gives; `llm()` chooses among outcomes."""
    provider = _Human(names, feedback.answer) if feedback.asker == "provider" else None
    routes: dict[str, Any] = {"emit": list(feedback.outcomes), "llm": llm()} if feedback.outcomes else {}
    return names.human_feedback(message=feedback.message, provider=provider, **routes)(run)
