"""The event that everything else is a kind of."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class EventIds:
    """The default source of event ids: unique in the process, and across processes by a random prefix.

    A counter behind 64 random bits costs a tenth of a UUID and sorts in the order of creation.
    """

    def __init__(self) -> None:
        self.reseed()
        os.register_at_fork(after_in_child=self.reseed)

    def reseed(self) -> None:
        """Take a new prefix, so that a forked child never repeats its parent's ids."""
        self._prefix = os.urandom(8).hex()
        self._next = itertools.count(1).__next__

    def __call__(self) -> str:
        return f"{self._prefix}-{self._next():x}"


class _Sources:
    """The clock and the id source of events: one replaceable default each, so that a test can reproduce a run."""

    now: Callable[[], datetime] = staticmethod(partial(datetime.now, UTC))
    new_id: Callable[[], str] = EventIds()


sources = _Sources()


# Late, so that replacing a source changes what events take from then on.
def _now() -> datetime:
    return sources.now()


def _new_id() -> str:
    return sources.new_id()


def _in_utc(value: datetime) -> datetime:
    """Take a naive time as UTC (clause `envelope.timestamp-utc`)."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(_in_utc)]


class BaseEvent(BaseModel):
    """Something that happened in a run. Frozen; the bus alone stamps the link fields, once, at the first emit.

    Subclass it with a `type` default and your own fields to publish events of your own; they travel on the
    `custom` channel.
    """

    # Built at first use: most programs meet few of the events, and building all of them is most of an import.
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, defer_build=True)

    #: The kind of scope that this event opens or closes, as in `flow`, `method`, `call`; None for a leaf.
    opens: ClassVar[str | None] = None
    closes: ClassVar[str | None] = None

    type: str
    timestamp: UtcDatetime = Field(default_factory=_now)
    event_id: str = Field(default_factory=_new_id)
    #: Stamped by the bus: the scope in which this was emitted, the event before it in the same line of execution,
    #: the event that opened the scope which this one closes, and the order of emission in this process.
    parent_event_id: str | None = None
    previous_event_id: str | None = None
    started_event_id: str | None = None
    emission_sequence: int | None = None
    #: The event whose completion set this work going, where a listener runs.
    triggered_by_event_id: str | None = None
    source_fingerprint: str | None = None
    source_type: str | None = None
    fingerprint_metadata: dict[str, Any] | None = None
    task_id: str | None = None
    task_name: str | None = None
    agent_id: str | None = None
    agent_role: str | None = None

    def reissued(self) -> Self:
        """Return a copy with an id and a time of its own and no links, ready to be emitted."""
        return self.model_copy(
            update={
                "event_id": sources.new_id(),
                "timestamp": sources.now(),
                "parent_event_id": None,
                "previous_event_id": None,
                "started_event_id": None,
                "emission_sequence": None,
            }
        )
