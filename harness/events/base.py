"""The event that everything else is a kind of."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import from_json, to_json

from harness.errors import RunCancelled, error_text
from harness.events.coercion import with_owners
from harness.events.lazy import LazyModel, set_fields, set_record
from harness.events.record import EventRecord
from harness.events.shape import EventShape
from harness.events.sources import id_text, moment_in_utc, sources


# Late, so that replacing a source changes what events take from then on.
def _now() -> datetime:
    return sources.now()


def _new_id() -> str:
    return sources.new_id()


def _readable_id(event_id: str) -> str:
    if not event_id:
        raise ValueError("expected an id, not empty text")
    try:
        event_id.encode()
    except UnicodeEncodeError:
        raise ValueError("expected an id that JSON can hold, not one with lone surrogates") from None
    return event_id


UtcDatetime = Annotated[datetime, AfterValidator(moment_in_utc)]


class BaseEvent(LazyModel):
    """Something that happened in a run. Frozen; the bus alone stamps the link fields, once, at the first emit.

    Subclass it with a `type` default and your own fields to publish events of your own; they travel on the
    `custom` channel.
    """

    # Built at first use: most programs meet few of the events, and building all of them is most of an import.
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, defer_build=True)

    #: Fields that a frame shows only where they were given.
    shown_if_given: ClassVar[frozenset[str]] = frozenset()
    #: The kind of scope that this event opens or closes, as in `flow`, `method`, `call`; None for a leaf.
    opens: ClassVar[str | None] = None
    closes: ClassVar[str | None] = None

    type: str
    timestamp: UtcDatetime = Field(default_factory=_now)
    event_id: Annotated[str, AfterValidator(_readable_id)] = Field(default_factory=_new_id)
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

    if not TYPE_CHECKING:

        def __init__(self, /, **fields: Any) -> None:
            shape = _shapes.get(id(type(self))) or shape_of(type(self))
            accepted = shape.accepted
            try:
                shape.required(fields)
                for name, value in fields.items():
                    if type(value) not in accepted[name]:
                        break
                else:
                    set_record(self, EventRecord(shape, shape.type, fields, sources.number(), sources.moment()))
                    return
            except KeyError:
                pass
            super().__init__(**with_owners(fields))

        # As on pydantic's own: what is loaded or unpickled was validated, and does not come through here.
        __init__.__pydantic_base_init__ = True

    def _lazy_fill(self, record: EventRecord) -> None:
        fields = record.fields
        values = record.shape.values | fields
        values["timestamp"] = moment_in_utc(record.moment)
        values["event_id"] = id_text(record.event_id)
        values["parent_event_id"] = record.parent_event_id
        if record.previous_event_id is not None:
            values["previous_event_id"] = id_text(record.previous_event_id)
        values["started_event_id"] = record.started_event_id
        values["emission_sequence"] = record.emission_sequence
        set_fields(self, values, set(fields))
        set_record(self, None)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy. One that says something else is another event, of an id of its own where `update` has none."""
        return super().model_copy(update={"event_id": sources.new_id(), **update} if update else None, deep=deep)

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

    def to_json(self, exclude: Collection[str] | None = None) -> dict[str, Any]:
        """Return the fields but those in `exclude`, as JSON: exceptions as their text, and what has no form as its repr.

        Nor are there those that the class excludes from its dumps.
        """
        kept_out = {name for name, field in type(self).model_fields.items() if field.exclude}.union(exclude or ())
        fields = {name: value for name, value in self if name not in kept_out}
        written = to_json(fields, bytes_mode="base64", inf_nan_mode="strings", fallback=_shown, serialize_as_any=True)
        shown: dict[str, Any] = from_json(written)
        return shown


def event_id_of(event: BaseEvent) -> str:
    """Return the id of an event, which is not filled for that."""
    record = getattr(event, "_lazy_record", None)
    return event.event_id if record is None else id_text(record.event_id)


def moment_of_event(event: BaseEvent) -> datetime:
    """Return the time of an event, which is not filled for that."""
    record = getattr(event, "_lazy_record", None)
    return event.timestamp if record is None else moment_in_utc(record.moment)


def _shown(value: Any) -> str:
    if isinstance(value, BaseException):
        return error_text(value)
    try:
        return repr(value)
    except (RunCancelled, KeyboardInterrupt):
        raise
    except BaseException as failure:
        return f"<its repr raised {type(failure).__name__}>"


#: By the id of a class, which is not kept: it may be one that a method makes for itself, and hold the flow of that.
_shapes: dict[int, EventShape] = {}


def shape_of(kind: type[BaseEvent]) -> EventShape:
    """Return what the events of a class have in common."""
    shape = _shapes.get(id(kind))
    if shape is None:
        shape = _shapes.setdefault(id(kind), EventShape(kind, BaseEvent))
        weakref.finalize(kind, _shapes.pop, id(kind), None).atexit = False
    return shape
