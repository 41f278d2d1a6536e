"""Observations of runs that fail, and of observers that do (clauses `error.*`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from conformance.timeline.frame_like import FrameLike


@dataclass(frozen=True)
class FailedRead:
    """One reading of a session whose run failed, to wherever it ended (clauses `error.*`, `session.replay-failed`)."""

    when: Literal["first", "after-end"]
    #: The exception object that the program raised.
    error: BaseException
    frames: Sequence[FrameLike]
    #: What the reading raised after the frames; None where it ended as if the run were whole.
    raised: BaseException | None
    #: What `frames` held afterwards.
    every: Sequence[FrameLike]


@dataclass(frozen=True)
class Disturbed:
    """A run whose observer failed, beside one that was left alone (clause `error.observer-safe`)."""

    #: As in `a listener that raises ValueError`, `the payload 'cycle'`.
    by: str
    #: Whether the observer was called at all.
    was_called: bool
    #: What reading raised, and the value and the types of the frames.
    raised: BaseException | None
    value: object
    types: tuple[str, ...]
    undisturbed_value: object
    undisturbed_types: tuple[str, ...]
