"""The compact record of an event: all that is known of it, in as little room as that takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from harness.events.shape import EventShape


class EventRecord(Struct, gc=False, eq=False):
    """What an event says, and where it stands; the bus alone stamps the links, once, at the first emit.

    The garbage collector does not visit it: nothing in it refers to what could refer to it. Once emitted it does not
    change, and the timelines of all sessions around share it.
    """

    shape: EventShape
    type: str
    #: The fields that were given, whose values never change.
    fields: dict[str, Any]
    #: As `sources.number` gave it; so are the links to what is no scope.
    event_id: int | str
    #: As `sources.moment` told it.
    moment: float | datetime
    parent_event_id: str | None = None
    previous_event_id: int | str | None = None
    started_event_id: str | None = None
    emission_sequence: int | None = None
