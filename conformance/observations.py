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


Observation = LazyStart | ViewRead | Closed
