"""Observations of conversations (clauses `turn.*`, `scope.concurrent-turns`, `entry.turn`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from conformance.timeline.frame_like import FrameLike

#: A role and what it says.
Said = tuple[str, str]


@dataclass(frozen=True)
class Turned:
    """One turn that was read to its end, beside what it was to come to (clauses `turn.*`)."""

    #: What came before it, on the same flow object.
    after: Literal["nothing", "a turn", "a failed turn"]
    #: What was to come of it: the reply, the error that its handler or its model came to, or a wait for a human.
    due: Literal["reply", "error", "pending"]
    message: str
    frames: Sequence[FrameLike]
    #: What the session gave as its result, and what reading it raised.
    result: object
    raised: BaseException | None
    #: What it added to the transcript.
    added: tuple[Said, ...]
    #: The reply that was due; None where none was.
    reply: str | None = None
    #: Whether a model was to answer it.
    asks: bool = False
    #: The exception object that its handler raised; None where none did, or the runtime made its own.
    error: BaseException | None = None
    #: Whether the result is what the runtime says that it waits with.
    is_pending: bool = False

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return {"nothing": "the first turn", "a turn": "the second turn"}.get(
            self.after, f"the turn after {self.after}"
        )


@dataclass(frozen=True)
class MessageLeft:
    """A plain run of a conversation's flow after a turn of it had failed (clause `turn.failed`)."""

    #: What it added to the transcript.
    added: tuple[Said, ...]


@dataclass(frozen=True)
class AnswerStreamed:
    """A built-in answer of a model (clause `turn.streams-answer`)."""

    #: What was said of streaming when the LLM was made, and what its flag read as before and after the turn.
    told: bool | None
    flag_before: object
    flag_after: object
    #: Text chunks that the turn's session showed, and the text that the model said.
    chunks: tuple[str, ...]
    text: str
    #: Whether the provider was asked to stream.
    asked: bool


@dataclass(frozen=True)
class FlowsCounted:
    """How many flows started and finished during a part of a conversation (clause `turn.deferred`)."""

    deferred: bool
    during: Literal["the first turn", "a later turn", "finalisation"]
    started: int
    finished: int


@dataclass(frozen=True)
class TurnBeside:
    """A turn that was asked for while another of the same flow object was open (clause `scope.concurrent-turns`)."""

    #: Where the open one was held.
    held: str
    #: What asking for the second, or reading it, raised; None where it was let in.
    refused: BaseException | None
    #: Every turn that was let in, the second once more after the first had ended where it was refused at first.
    taken: tuple[TurnTaken, ...]
    #: What they all added to the transcript.
    transcript: tuple[Said, ...]


@dataclass(frozen=True)
class TurnTaken:
    """A turn that was let in."""

    #: As in `the open turn`, `the second turn`.
    name: str
    message: str
    reply: str
    result: object
    raised: BaseException | None


@dataclass(frozen=True)
class TurnRefused:
    """A turn of a flow that is not conversational (clause `entry.turn`)."""

    #: As in `flow.stream_turn(…)`.
    call: str
    #: What the call raised; None where it returned.
    raised: BaseException | None
