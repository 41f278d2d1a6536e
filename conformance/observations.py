"""What a consumer saw a session do, where frames alone don't tell: values that checks judge, gathered by scenarios.

Each kind of observation is one small frozen class; the checks of `conformance.checks` say what must hold of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from conformance.evidence import FrameLike


@dataclass(frozen=True)
class LazyStart:
    """A session that nobody had read yet (clause `session.lazy`)."""

    #: Points of the program that had been reached, and threads and tasks that had been started.
    reached: tuple[str, ...]
    started_threads: tuple[str, ...]
    started_tasks: int


@dataclass(frozen=True)
class ViewRead:
    """One projection read, beside what it should have shown."""

    #: As in `events`, `llm`, `interleave(['flow', 'llm'])`.
    view: str
    #: When it was begun: while the run was on, after another reader had stopped half-way, after the end, by a thread.
    when: Literal["first", "beside-another", "after-break", "after-end", "in-a-thread"]
    channels: frozenset[str] | None
    frames: Sequence[FrameLike]
    #: All frames of the session, as `frames` has them after the end.
    every: Sequence[FrameLike]
    #: What reading it raised.
    raised: BaseException | None = None


@dataclass(frozen=True)
class Closed:
    """A session that was closed while its run was blocked, and what came of it (clauses `cleanup.*`)."""

    kind: Literal["sync", "async"]
    #: What closed it: `close`, `aclose`, `with`, `collected`, `consumer-error`, `other-thread`, `cancelled-consumer`.
    how: str
    #: Where the run was blocked, as in `a sync method`, `a provider's head`.
    blocked_in: str
    #: Whether closing, and in an async run the end of the loop, came back while the run was still blocked.
    returned_while_blocked: bool
    #: What closing raised.
    raised: BaseException | None
    #: Frames that had been appended when it came back, and once the blocked code had been let go on and had ended;
    #: None where the session was gone.
    frames_then: int | None
    frames_later: int | None
    #: Points behind the next event that the run came to afterwards.
    reached_later: tuple[str, ...]
    #: Whether the provider saw its client go away while it was silent; None where no provider was asked.
    disconnected: bool | None
    #: What the session said of itself; None where it was gone.
    is_cancelled: bool | None
    #: Tasks of the run that were still in the loop when the consumer had come back.
    left_behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surface:
    """What a session has of the contract's surface (clauses `session.projections` and `session.same-surface`)."""

    kind: Literal["sync", "async"]
    #: Every public name that it has.
    names: frozenset[str]


@dataclass(frozen=True)
class Drained:
    """A session after one projection of it had been exhausted (clause `session.drain`)."""

    view: str
    is_completed: bool
    #: What `frames` held then, and what all reading afterwards showed.
    frames: Sequence[FrameLike]
    every: Sequence[FrameLike]


@dataclass(frozen=True)
class Repeated:
    """A session that was read several times (clause `session.replay`)."""

    #: How often the program began.
    runs: int


@dataclass(frozen=True)
class EditedCopy:
    """What `frames` gave, before and after its list had been emptied (clause `session.frames-copy`)."""

    before: int
    after: int


@dataclass(frozen=True)
class ChannelsAsked:
    """Channels that no session has, asked for (clause `session.bad-channels`)."""

    #: As in `interleave([])`.
    call: str
    #: What the call raised; None where it returned.
    raised: BaseException | None


@dataclass(frozen=True)
class Used:
    """A use of a session that must simply work (clause `session.same-surface`)."""

    what: str
    raised: BaseException | None
    #: What the session said of itself afterwards, and what it ought to.
    is_completed: bool
    is_cancelled: bool
    cancelled: bool


@dataclass(frozen=True)
class LookAhead:
    """A session with a look-ahead limit, read frame by frame (clause `session.backpressure`)."""

    limit: int
    #: Whether those who emit could wait: threads, and tasks that await their emits.
    can_wait: bool
    #: The most frames that had been appended and not read, at any look.
    most_unread: int
    #: How many frames were read, and how many a new projection showed after the end.
    read: int
    replayed: int
    retained: bool
    #: What making or reading a new projection after the end raised.
    raised: BaseException | None


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


@dataclass(frozen=True)
class Exited:
    """A program whose interpreter was to exit while the run was blocked (clause `cleanup.close-prompt`)."""

    #: As in `a sync session in a sync method`.
    what: str
    exited: bool
    #: What it wrote on its standard error, for reports.
    said: str


@dataclass(frozen=True)
class CloseCalled:
    """One call of `close` or `aclose` (clause `cleanup.idempotent`)."""

    #: As in `a second close()`.
    what: str
    raised: BaseException | None
    #: What the session said of itself before and afterwards, as (is_completed, is_exhausted, is_cancelled).
    before: tuple[bool, bool, bool]
    after: tuple[bool, bool, bool]


@dataclass(frozen=True)
class ClosedUnstarted:
    """A session that was closed before its first frame, and then read (clause `cleanup.close-before-start`)."""

    how: str
    #: Whether the program began, and what reading gave.
    ran: bool
    frames: int
    raised: BaseException | None


@dataclass(frozen=True)
class BlockLeft:
    """A `with` block of a session that was left (clause `cleanup.context-exit`)."""

    #: Whether the session had been read to its end before.
    was_read: bool
    is_exhausted: bool
    is_cancelled: bool
    #: What leaving raised.
    raised: BaseException | None


@dataclass(frozen=True)
class LeftBehind:
    """What was still there of a run once everybody had let go of it (clause `cleanup.no-leaks`)."""

    #: As in `a flow that was read to its end`.
    of: str
    things: tuple[str, ...]


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


@dataclass(frozen=True)
class Entered:
    """A way into a run that the contract names (clauses `entry.flow`, `entry.llm` and their like)."""

    clause: str
    #: As in `flow.stream_events(inputs=…)`.
    call: str
    #: What the call, or reading its session, raised.
    raised: BaseException | None
    #: The run's value, beside what it should have been.
    value: object
    expected: object
    #: What `value` lacks to be a session of the kind that was due; where it lacks anything, it is no run's value.
    missing: tuple[str, ...] = ()
    #: How many frames there were; None for a call that gives no session.
    frames: int | None = None


@dataclass(frozen=True)
class Passed:
    """What was given to a streamed kickoff, and what the run was given (clause `entry.kwargs`)."""

    call: str
    given: object
    arrived: object


@dataclass(frozen=True)
class Refused:
    """A combination of options that can't be (clause `entry.kwargs`)."""

    call: str
    #: What the call raised; None where it returned.
    raised: BaseException | None


@dataclass(frozen=True)
class FlagRead:
    """A `stream` attribute, read by someone (clause `entry.flag-restored`)."""

    #: As in `the flow's, inside its run`.
    whose: str
    expected: object
    seen: object


@dataclass(frozen=True)
class Overridden:
    """A call with call-scoped overrides, and the request that reached the provider (clause `entry.llm-overrides`)."""

    what: str
    expected: object
    seen: object


@dataclass(frozen=True)
class Rechunked:
    """One answer, and the same bytes in other pieces (clause `llm.rechunk`)."""

    whole: Sequence[FrameLike]
    #: One timeline for each way to split.
    split: tuple[Sequence[FrameLike], ...]


@dataclass(frozen=True)
class LegacyChunk:
    """A frame, and the chunk that the runtime projects it to (clause `llm.legacy-chunk`)."""

    frame: FrameLike
    #: None where the frame is no chunk.
    chunk: Any


@dataclass(frozen=True)
class MadeAgain:
    """A recorded run, made again from its tape (clauses `replay.*`)."""

    #: Where the timelines differ, as messages.
    differences: tuple[str, ...]
    #: What the run raised when it was recorded, and when it was made again.
    raised_first: BaseException | None
    raised: BaseException | None
    #: Requests that reached the provider while it was recorded: what there is to make again.
    requests_recorded: int
    #: Requests that reached the provider afterwards, and recorded ones that were not asked for again.
    requests_sent: int
    left_unplayed: int
    #: What came of a call that was not recorded, and what the tape then told.
    miss: BaseException | None
    misses: int
    unplayed_then: int
    #: What opening a torn cassette raised.
    unreadable: BaseException | None


@dataclass(frozen=True)
class Carried:
    """A payload that is JSON, as user code put it into an event, and as frames gave it (clause `envelope.data-json`)."""

    sent: Any
    arrived: tuple[Any, ...]


Observation = (
    LazyStart
    | ViewRead
    | Closed
    | Surface
    | Drained
    | Repeated
    | EditedCopy
    | ChannelsAsked
    | Used
    | LookAhead
    | FailedRead
    | Disturbed
    | Exited
    | CloseCalled
    | ClosedUnstarted
    | BlockLeft
    | LeftBehind
    | Heard
    | Captured
    | Entered
    | Passed
    | Refused
    | FlagRead
    | Overridden
    | Rechunked
    | LegacyChunk
    | MadeAgain
    | Carried
)
