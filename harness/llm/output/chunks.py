"""Events of chunks: the same fields for every chunk of a call, but for its text, id and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from harness.events.base import shape_of
from harness.events.lazy import set_record
from harness.events.record import EventRecord
from harness.events.sources import sources

if TYPE_CHECKING:
    from harness.events.llm import LLMStreamChunkEvent, LLMThinkingChunkEvent

E = TypeVar("E", "LLMStreamChunkEvent", "LLMThinkingChunkEvent")


class ChunkEvents(Generic[E]):
    """Makes the events of one kind of chunk of one call.

    The first event is validated as any other, and what all have in common with it; what differs in the others is known
    to be valid, or else they are validated, too. A stream has thousands of them.
    """

    def __init__(self, kind: type[E], common: Mapping[str, Any]) -> None:
        self._kind: type[E] = kind
        self._shape = shape_of(kind)
        self._common = common
        self._given: dict[str, Any] = {}

    def event(self, text: str, response_id: str | None) -> E:
        """Return the event of one chunk. Raises pydantic.ValidationError where `text` is none."""
        given = self._given
        if type(text) is str and given and given["response_id"] == response_id:
            event: E = self._kind.__new__(self._kind)
            record = EventRecord(
                self._shape, self._shape.type, given | {"chunk": text}, sources.number(), sources.moment()
            )
            set_record(event, record)
            return event
        event = self._kind(chunk=text, response_id=response_id, **self._common)
        # Of what it took as it was, all but the text is the same for the chunks to come.
        record = event._lazy_record
        self._given = {} if record is None else record.fields
        return event
