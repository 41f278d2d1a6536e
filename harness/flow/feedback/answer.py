"""The answer with which a run goes on, on its way to the method that waits for it."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import Final

from harness.flow.feedback.pending import PendingFeedbackContext


@dataclass(frozen=True, slots=True)
class Answer:
    """What a human has said, and what they were asked."""

    feedback: str
    context: PendingFeedbackContext


#: The answer to the call of a method in whose context this is.
answer_given: Final[contextvars.ContextVar[Answer | None]] = contextvars.ContextVar(
    "harness_feedback_answer", default=None
)
