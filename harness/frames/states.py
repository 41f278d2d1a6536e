"""The states of a timeline, and what may happen in which, as a table."""

from __future__ import annotations

import enum
from typing import Final

from harness.errors import HarnessError


class State(enum.Enum):
    """Where a session stands; the last three are exclusive ends (clause `result.states`)."""

    NEW = "new"
    RUNNING = "running"
    SEALED = "sealed"  # the outermost scope has ended, the run has not yet returned
    RETURNED = "returned"  # the run has a value, and nobody has read to the end
    RAISED = "raised"  # the run has failed, and nobody has read to the end
    EXHAUSTED = "exhausted"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: In these, frames may still come.
OPEN: Final = frozenset({State.NEW, State.RUNNING, State.SEALED})
ENDS: Final = frozenset({State.EXHAUSTED, State.FAILED, State.CANCELLED})

#: From state and action to state. What is not here is refused.
LEGAL: Final[dict[tuple[State, str], State]] = {
    (State.NEW, "start"): State.RUNNING,
    (State.NEW, "close"): State.CANCELLED,
    (State.RUNNING, "append"): State.RUNNING,
    (State.RUNNING, "seal"): State.SEALED,
    (State.RUNNING, "return"): State.RETURNED,
    (State.RUNNING, "raise"): State.RAISED,
    (State.RUNNING, "close"): State.CANCELLED,
    (State.SEALED, "return"): State.RETURNED,
    (State.SEALED, "raise"): State.RAISED,
    (State.SEALED, "close"): State.CANCELLED,
    (State.RETURNED, "drain"): State.EXHAUSTED,
    (State.RETURNED, "close"): State.CANCELLED,
    (State.RAISED, "drain"): State.FAILED,
    (State.RAISED, "close"): State.CANCELLED,
    (State.EXHAUSTED, "drain"): State.EXHAUSTED,
    (State.EXHAUSTED, "close"): State.EXHAUSTED,
    (State.FAILED, "drain"): State.FAILED,
    (State.FAILED, "close"): State.FAILED,
    (State.CANCELLED, "drain"): State.CANCELLED,
    (State.CANCELLED, "close"): State.CANCELLED,
}


class IllegalTransitionError(HarnessError):
    """Something was done to a timeline that its state does not allow; the runtime's own fault."""
