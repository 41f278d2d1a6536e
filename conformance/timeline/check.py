"""What a check is: a pure function from evidence to every violation of one clause."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from conformance.timeline.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a run broke one clause."""

    clause: str
    #: The frame that shows it, or None where no single frame does.
    seq: int | None
    message: str


#: A violation before it has the name of its clause: the frame's seq and the message.
Finding = tuple[int | None, str]


@dataclass(frozen=True, slots=True)
class Check:
    """Decides one clause.

    `find` gives every violation, not the first one. `testable` says whether the evidence holds anything that the clause
    speaks of; where it does not, no violation means nothing.
    """

    clause: str
    find: Callable[[Evidence], Iterable[Finding]]
    testable: Callable[[Evidence], bool]

    def __call__(self, evidence: Evidence) -> tuple[Violation, ...]:
        """Return every violation, in the order in which the frames show them."""
        return tuple(Violation(self.clause, seq, message) for seq, message in self.find(evidence))


Seen = TypeVar("Seen")


def seen(evidence: Evidence, kind: type[Seen]) -> list[Seen]:
    """Return the observations of one kind."""
    return [one for one in evidence.observations if isinstance(one, kind)]


def saw(kind: type[Any]) -> Callable[[Evidence], bool]:
    """Return what says whether there is any observation of one kind."""
    return lambda evidence: bool(seen(evidence, kind))


def shown(value: object) -> str:
    """Return the repr of a value that a run gave or raised; of one whose repr fails, its class."""
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def has_frames(evidence: Evidence) -> bool:
    """Whether there is any frame to judge."""
    return bool(evidence.frames)
