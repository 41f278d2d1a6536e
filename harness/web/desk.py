"""Where the questions of one run wait for somebody on its page to answer them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.errors import RunCancelled
from harness.respondent import HumanQuestion


@dataclass(frozen=True)
class QuestionAtDesk:
    """A question that nobody has answered yet."""

    #: Counts from 1 in a run.
    number: int
    question: HumanQuestion = field(compare=False)


class Desk:
    """Stands in for the terminal of one run. From any thread."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed` is told, in any thread, when a question has come or gone."""
        #: What is asked now, the oldest first.
        self.questions: tuple[QuestionAtDesk, ...] = ()
        #: How many there have been, answered or not.
        self.question_count = 0
        self._changed = changed
        self._answers: dict[int, str] = {}
        self._is_closed = False
        self._moved = threading.Condition()

    def ask(self, question: HumanQuestion, until: float | None = None) -> str:
        """Have a question answered; see `Respondent.ask`."""
        with self._moved:
            self.question_count += 1
            posted = QuestionAtDesk(self.question_count, question)
            if not self._is_closed:
                self.questions = (*self.questions, posted)
        self._changed()
        try:
            with self._moved:
                patience = None if until is None else max(0.0, until - time.monotonic())
                self._moved.wait_for(lambda: self._is_closed or posted.number in self._answers, patience)
                if posted.number in self._answers:
                    return self._answers.pop(posted.number)
                if self._is_closed:
                    raise RunCancelled
                raise TimeoutError("nobody has answered in time")
        finally:
            self._withdraw(posted.number)
            self._changed()

    def answer(self, text: str, number: int | None = None) -> bool:
        """Answer a question, or the oldest; False where it is not asked, or not any more."""
        with self._moved:
            number = self.questions[0].number if number is None and self.questions else number
            if number is None or not any(posted.number == number for posted in self.questions):
                return False
            self._answers[number] = text
            self._withdraw(number)
            self._moved.notify_all()
        self._changed()
        return True

    def close(self) -> None:
        """Let all who wait go, and ask nothing any more."""
        with self._moved:
            self._is_closed = True
            self.questions = ()
            self._moved.notify_all()

    def _withdraw(self, number: int) -> None:
        with self._moved:
            self.questions = tuple(posted for posted in self.questions if posted.number != number)
