"""What a consumer saw a session do, where frames alone don't tell: values that checks judge, gathered by scenarios.

Each kind of observation is one small frozen class; the checks of `conformance.areas.checks` say what must hold of it.
"""

from __future__ import annotations

from conformance.areas.cleanup.observations import BlockLeft, CloseCalled, Closed, ClosedUnstarted, Exited, LeftBehind
from conformance.areas.crew.observations import CrewClosed, CrewKept, CrewResult, CrewStreamed, TaskSaid
from conformance.areas.entry.observations import Entered, FlagRead, Overridden, Passed, Refused
from conformance.areas.envelope.observations import Carried, Encoded
from conformance.areas.error.observations import Disturbed, FailedRead
from conformance.areas.flow.observations import Continued, FeedbackShown, Paused, Restored, Resumed
from conformance.areas.llm.observations import LegacyChunk, Rechunked
from conformance.areas.replay.observations import MadeAgain
from conformance.areas.scope.observations import Captured, Heard
from conformance.areas.session.observations import (
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
from conformance.areas.turn.observations import (
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
