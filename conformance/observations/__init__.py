"""What a consumer saw a session do, where frames alone don't tell: values that checks judge, gathered by scenarios.

Each kind of observation is one small frozen class; the checks of `conformance.checks` say what must hold of it.
"""

from __future__ import annotations

from conformance.observations.cleanup import (
    BlockLeft,
    CloseCalled,
    Closed,
    ClosedUnstarted,
    Exited,
    LeftBehind,
)
from conformance.observations.crew import CrewClosed, CrewKept, CrewResult, CrewStreamed, TaskSaid
from conformance.observations.entry import (
    Entered,
    FlagRead,
    Overridden,
    Passed,
    Refused,
)
from conformance.observations.envelope import Carried, Encoded
from conformance.observations.error import Disturbed, FailedRead
from conformance.observations.flow import Continued, FeedbackShown, Paused, Restored, Resumed
from conformance.observations.llm import LegacyChunk, Rechunked
from conformance.observations.replay import MadeAgain
from conformance.observations.scope import Captured, Heard
from conformance.observations.session import (
    ChannelsAsked,
    Drained,
    EditedCopy,
    LazyStart,
    LookAhead,
    Repeated,
    Surface,
    Used,
    ViewRead,
)
from conformance.observations.turn import (
    AnswerStreamed,
    FlowsCounted,
    MessageLeft,
    TurnBeside,
    Turned,
    TurnRefused,
    TurnTaken,
)

__all__ = [
    "AnswerStreamed",
    "BlockLeft",
    "Captured",
    "Carried",
    "ChannelsAsked",
    "CloseCalled",
    "Closed",
    "ClosedUnstarted",
    "Continued",
    "CrewClosed",
    "CrewKept",
    "CrewResult",
    "CrewStreamed",
    "Disturbed",
    "Drained",
    "EditedCopy",
    "Encoded",
    "Entered",
    "Exited",
    "FailedRead",
    "FeedbackShown",
    "FlagRead",
    "FlowsCounted",
    "Heard",
    "LazyStart",
    "LeftBehind",
    "LegacyChunk",
    "LookAhead",
    "MadeAgain",
    "MessageLeft",
    "Observation",
    "Overridden",
    "Passed",
    "Paused",
    "Rechunked",
    "Refused",
    "Repeated",
    "Restored",
    "Resumed",
    "Surface",
    "TaskSaid",
    "TurnBeside",
    "TurnRefused",
    "TurnTaken",
    "Turned",
    "Used",
    "ViewRead",
]

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
    | CrewStreamed
    | CrewKept
    | CrewResult
    | CrewClosed
    | Rechunked
    | LegacyChunk
    | MadeAgain
    | Carried
    | Encoded
    | FeedbackShown
    | Paused
    | Resumed
    | Restored
    | Turned
    | MessageLeft
    | AnswerStreamed
    | FlowsCounted
    | TurnBeside
    | TurnRefused
)
