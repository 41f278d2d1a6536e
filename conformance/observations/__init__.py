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
from conformance.observations.entry import (
    Entered,
    FlagRead,
    Overridden,
    Passed,
    Refused,
)
from conformance.observations.envelope import Carried
from conformance.observations.error import Disturbed, FailedRead
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

__all__ = [
    "BlockLeft",
    "Captured",
    "Carried",
    "ChannelsAsked",
    "CloseCalled",
    "Closed",
    "ClosedUnstarted",
    "Disturbed",
    "Drained",
    "EditedCopy",
    "Entered",
    "Exited",
    "FailedRead",
    "FlagRead",
    "Heard",
    "LazyStart",
    "LeftBehind",
    "LegacyChunk",
    "LookAhead",
    "MadeAgain",
    "Observation",
    "Overridden",
    "Passed",
    "Rechunked",
    "Refused",
    "Repeated",
    "Surface",
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
    | Rechunked
    | LegacyChunk
    | MadeAgain
    | Carried
)
