"""What a check sees of one run: values that any runtime can be made to give, gathered before anything is judged."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from conformance.timeline.expected import Expected
from harness.frames import FrameLike

T = TypeVar("T")

#: How the consumer's reading ended: all frames read and a result, all frames read and the run's error, or closed early.
Ended = Literal["exhausted", "failed", "closed"]

#: When a result was read, in the life of its session.
When = Literal["before", "after-break", "after-exhaustion", "after-failure", "after-close"]

#: What a piece of a streamed answer adds to.
DeltaKind = Literal["thinking", "text", "tool_call"]

#: The normalised reasons for which an answer ends, the same for every provider.
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]


class AnyFrame(FrameLike, Protocol):
    """The surface of a frame, whatever runtime made it."""

    @property
    def seq(self) -> int: ...
    @property
    def event(self) -> Mapping[str, Any]: ...
    @property
    def content(self) -> str: ...


class ResultRead(Struct, frozen=True):
    """One attempt to read `session.result`, and what the session said of itself right after it."""

    when: When
    #: What the read raised, or None where it gave `value`.
    raised: BaseException | None
    value: Any
    is_completed: bool
    is_exhausted: bool
    is_cancelled: bool
    #: How many entries the traceback of `raised` had when this read had caught it; a later read must not add to it.
    traceback_depth: int = 0


class ProgramOutcome(Struct, frozen=True):
    """What the run itself did, told by the program that was run and not by the session."""

    value: Any = None
    #: The exception object that the program raised, or None where it returned `value`.
    error: BaseException | None = None


class WireToolCall(Struct, frozen=True):
    """One tool call as the wire had it; `arguments` is JSON text."""

    name: str
    arguments: str
    #: None where the wire format has no ids.
    id: str | None = None


class WireFacts(Struct, frozen=True):
    """What the provider sent for one call, up to where it broke off, as something else than the runtime reads it."""

    streamed: bool
    text: str
    #: The HTTP status, or None where no response came.
    status: int | None
    #: Whether the stream's end marker, or the whole body of a plain response, was sent; where the caller has said that there
    #: is no such mark, the reason for the end.
    ended_at_marker: bool
    thinking: str = ""
    #: In the order in which the wire names them.
    tool_calls: tuple[WireToolCall, ...] = ()
    #: The kinds of the pieces in wire order, equal neighbours joined; None where they were not gathered.
    kinds: tuple[DeltaKind, ...] | None = None
    #: prompt_tokens, completion_tokens, total_tokens and, where sent, cached_prompt_tokens and reasoning_tokens; None
    #: where the wire has no usage.
    usage: Mapping[str, int] | None = None
    finish_reason: FinishReason | None = None
    #: Whether an error event, or an event that its format does not allow, came inside the response.
    error_event: bool = False
    #: What the server wrote of its failure; None where it is not known.
    words: str | None = None
    #: Whether the caller has said that this host marks the end of no stream; None where nobody knows.
    declared_unmarked: bool | None = None
    #: Whether the pieces of its tool calls can't be told apart.
    calls_mixed: bool = False
    #: The provider's id of the request, from its headers.
    request_id: str | None = None
    #: Whether the call was given functions to run.
    has_functions: bool = False
    #: What those functions returned, in call order; None where they were not watched, or one of them raised.
    returned: tuple[Any, ...] | None = None

    @property
    def was_accepted(self) -> bool:
        """Whether there was a response, and no error status."""
        return self.status is not None and self.status < 400


class Evidence(Struct, frozen=True, dict=True):
    """One run, as one consumer saw it, and what is known of it from elsewhere.

    Only `frames` and `ended` are needed. Whatever else is left out makes the clauses that need it not testable.
    """

    #: Every frame that the consumer was given, in the order in which it was given, over all its loops.
    frames: Sequence[AnyFrame]
    ended: Ended
    #: The frames of a second projection, begun after the first was read; what an edit of the first may not reach.
    replayed: Sequence[AnyFrame] | None = None
    #: What the first reading and that of the second projection raised at their ends.
    raised: BaseException | None = None
    replay_raised: BaseException | None = None
    reads: tuple[ResultRead, ...] = ()
    outcome: ProgramOutcome | None = None
    #: One entry for each call that starts, in the order of their started frames; None where a call left no bytes.
    wire: Sequence[WireFacts | None] = ()
    #: Ids of the source events with their types, as a listener on the runtime's bus saw them.
    source_types: Mapping[str, str] | None = None
    #: Ids of the events that user code emitted by itself, as far as known: those need not open, close or nest.
    user_events: frozenset[str] = frozenset()
    #: Types of events that the runtime says it has built in, beside the contract's.
    own_types: frozenset[str] = frozenset()
    #: What else the consumer looked at, where frames alone don't tell.
    expected: tuple[Expected, ...] = ()
    #: Which of several runs in one scenario this was, as in `text, reset after 512 of 1,024 bytes`.
    label: str = ""

    def beside(self, other: Evidence) -> Evidence:
        """Return this evidence with what was looked at in another run beside it."""
        return replace(self, expected=(*other.expected, *self.expected))


def found_once(find: Callable[[Evidence], T]) -> Callable[[Evidence], T]:
    """Decorate what several checks look for in a run: it is looked for once, and kept with the evidence."""
    key = f"{find.__module__}.{find.__qualname__}"

    @functools.wraps(find)
    def found(evidence: Evidence) -> T:
        kept: dict[str, Any] = vars(evidence)
        if key not in kept:
            kept[key] = find(evidence)
        return kept[key]  # type: ignore[no-any-return]

    return found


def beside_frames(expected: Iterable[Expected]) -> Evidence:
    """Return evidence without frames: all that counts is what else was looked at."""
    return Evidence((), "closed", expected=tuple(expected))
