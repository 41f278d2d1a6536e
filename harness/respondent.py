"""Who answers in place of whoever sits at the terminal: set for a run, where that is served to somebody elsewhere."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Protocol


@dataclass(frozen=True)
class HumanQuestion:
    """What a run asks a person."""

    message: str
    #: What it is asked about, such as the text to be looked at; empty where there is nothing of the kind.
    about: str = ""
    #: The method or agent that gave that.
    whose: str = ""
    #: What the answer comes to, where it is to come to one of a few.
    outcomes: tuple[str, ...] = ()


class Respondent(Protocol):
    """Answers in place of the terminal."""

    def ask(self, question: HumanQuestion, until: float | None = None) -> str:
        """Return the answer; blocks until there is one.

        Raises:
            TimeoutError: there was none at `until`, by the monotonic clock.
            RunCancelled: the run was ended meanwhile.
        """


#: None: the terminal is asked itself.
respondent: Final[ContextVar[Respondent | None]] = ContextVar("respondent", default=None)
#: Until when an answer is waited for in this context, by the monotonic clock; None without end.
answer_deadline: Final[ContextVar[float | None]] = ContextVar("answer_deadline", default=None)


def respondent_answer(question: HumanQuestion) -> str | None:
    """Return what the respondent of this context answers; None where there is none, and the terminal is to be asked."""
    own = respondent.get()
    return None if own is None else own.ask(question, answer_deadline.get())
