"""Events that nobody sees: no session is open, and nobody listens. Most runs of most programs publish nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.events import BaseEvent
from harness.events.base import event_id_of, moment_of_event
from harness.events.sources import id_text, sources


class Unseen:
    """What is known of an event that is not made, since nobody would see it: its id, and what it would be given.

    It has its place in the order of ids, and a scope that it opens is as any other: who begins to listen in the middle
    of a run sees what comes from then on, each event with its links.
    """

    __slots__ = ("fields", "kind", "number")

    def __init__(self, kind: type[BaseEvent], fields: dict[str, Any]) -> None:
        self.kind = kind
        self.fields = fields
        self.number = sources.number()

    @property
    def event_id(self) -> str:
        return id_text(self.number)


def id_of(event: BaseEvent | Unseen) -> str:
    """Return the id of an event, made or not."""
    return event.event_id if isinstance(event, Unseen) else event_id_of(event)


def moment_of(event: BaseEvent | Unseen) -> datetime:
    """Return when an event was made; of one that was not, the time by now."""
    return sources.now() if isinstance(event, Unseen) else moment_of_event(event)
