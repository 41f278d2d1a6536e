"""What has happened in a run, in rows that can be kept: which methods began and ended, by which events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from harness.bus.unseen import Unseen, id_of, moment_of
from harness.events import BaseEvent
from harness.flow.plan.calls import MethodCall


class Published(Struct):
    """An event, as much of it as is kept."""

    event_id: str
    timestamp: Annotated[datetime, Meta(tz=True)]


class PastCall(Struct):
    """A call of a method: one that has not ended has no `ended`."""

    call: int
    method: str
    started: Published
    triggered_by: str | None = None
    ended: Published | None = None
    how: Literal["finished", "paused"] = "finished"
    #: The place among the plan's values of what it came to.
    output: int | None = None


class Story(Struct):
    """One run, as far as it has come."""

    flow_name: str
    started: Published | None = None
    calls: list[PastCall] = field(default_factory=list)

    def begun(self, event: BaseEvent | Unseen) -> None:
        """Note that the flow has started."""
        self.started = _published(event)

    def called(self, call: MethodCall, event: BaseEvent | Unseen) -> None:
        """Note that a method has started."""
        self.calls.append(PastCall(call.id, call.method.name, _published(event), call.triggered_by))

    def ended(self, call: MethodCall, event: BaseEvent | Unseen, output: int) -> None:
        """Note that a method is to end with this event; `output` is the place of what it came to."""
        past = next(past for past in reversed(self.calls) if past.call == call.id)
        past.ended, past.output = _published(event), output

    def paused(self, call: MethodCall, event: BaseEvent | Unseen) -> None:
        """Note that a method waits."""
        past = next(past for past in reversed(self.calls) if past.call == call.id)
        past.ended, past.how = _published(event), "paused"


def _published(event: BaseEvent | Unseen) -> Published:
    return Published(id_of(event), moment_of(event))
