"""What a consumer saw a session do, where frames alone don't tell: values that checks judge, gathered by scenarios.

Each kind of observation is one small frozen class; the checks of `conformance.checks` say what must hold of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
    """A session that was closed early, and what came of it."""

    #: What closed it: `close`, `aclose`, `with`, `collected`, `consumer-error`, `other-thread`, `cancelled-consumer`.
    how: str
    #: Where the run was blocked: `user-code`, `provider-head`, `provider-body`, `awaiting`, or `emitting`.
    blocked_in: str
    #: Whether closing came back while the run was still blocked.
    returned_while_blocked: bool
    #: What closing raised.
    raised: BaseException | None
    #: Frames that had been appended when it came back, and once the blocked code had been let go on and had ended.
    frames_then: int
    frames_later: int
    #: Points behind the blocked one that the run came to afterwards.
    reached_later: tuple[str, ...]
    #: Whether the provider saw its client go away while it was silent; None where no provider was asked.
    disconnected: bool | None = None
    is_cancelled: bool = True
    #: Threads, tasks and objects of the run that were still there in the end.
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
)
