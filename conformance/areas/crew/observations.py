"""Observations of crews that are streamed as chunks (clause `entry.crew`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class TaskSaid:
    """One task of a streamed crew: what its model says, and what each chunk of it is to tell of its origin."""

    text: str
    task_index: int
    task_name: str
    #: As the task and the agent themselves give them; None where they have none that can be read.
    task_id: str | None
    agent_role: str
    agent_id: str | None
    #: The tool that its model calls before it says that, and the arguments, as JSON text.
    tool_name: str | None = None
    arguments: str = ""


@dataclass(frozen=True)
class CrewStreamed:
    """A crew that was streamed and read, to its end or to the error that it fails with."""

    #: As in `Crew(stream=True).kickoff()`.
    call: str
    #: What each task says, in order; of a crew that fails, of the tasks before the one that does.
    said: tuple[TaskSaid, ...]
    #: Whether the model refuses the task after those.
    fails: bool
    #: What the stream lacks of the contract's surface.
    missing: tuple[str, ...]
    chunks: tuple[Any, ...]
    #: What making or reading it raised.
    raised: BaseException | None


@dataclass(frozen=True)
class CrewKept:
    """What a streamed crew gives of its chunks once it has been read to its end."""

    call: str
    #: The chunks that were read first, what `chunks` gives, and what reading once more gives.
    read: tuple[Any, ...]
    kept: tuple[Any, ...]
    again: tuple[Any, ...]
    full_text: str
    is_completed: bool


@dataclass(frozen=True)
class CrewResult:
    """One reading of a streamed crew's result."""

    call: str
    when: Literal["before-end", "after-end", "after-failure", "after-close"]
    is_completed: bool
    #: What it raised, or the texts that it gave: its own, as `raw` and as `str()`, and each task's.
    raised: BaseException | None
    texts: tuple[str, ...]
    #: The texts that the crew comes to, and what reading its chunks raised.
    expected: tuple[str, ...]
    error: BaseException | None


@dataclass(frozen=True)
class CrewClosed:
    """A streamed crew that was closed while its model was silent."""

    #: As in `close() of Crew(stream=True).kickoff()`.
    call: str
    #: Whether closing came back while the model was still silent, and what it raised.
    returned_while_blocked: bool
    raised: BaseException | None
    is_completed: bool
    is_cancelled: bool
    #: How many chunks there were when it had come back, and how many once the run had nothing left to wait for.
    chunks_then: int
    chunks_later: int
