"""Observations of what reaches which session (clauses `scope.*`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Heard:
    """What a session showed, beside what it should have (clauses `scope.*`).

    Marks are what programs put into their events and models into their answers.
    """

    situation: Literal["isolated", "nested-outer", "nested-inner", "by-context", "by-source", "unclear", "awaited-emit"]
    #: As in `one of two threads on one flow class`.
    session: str
    expected: tuple[str, ...]
    seen: tuple[str, ...]
    raised: BaseException | None = None
    #: Whether a warning was given; None where none is asked for.
    warned: bool | None = None


@dataclass(frozen=True)
class Captured:
    """A call to a model inside a streamed flow (clause `scope.captures-llm`)."""

    #: What was said of streaming when the LLM was made.
    told: bool | None
    #: Text chunks that the flow's session showed, and the text that the model said.
    chunks: tuple[str, ...]
    text: str
    #: Whether the provider was asked to stream.
    asked: bool
