"""Observations of sessions: what they offer, and what reading them shows (clauses `session.*`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from conformance.timeline.frame_like import FrameLike


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
