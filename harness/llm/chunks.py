"""Events of chunks: the same fields for every chunk of a call, but for its text, id and time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from harness.events.llm import LLMStreamChunkEvent, LLMThinkingChunkEvent
from harness.events.sources import sources

E = TypeVar("E", LLMStreamChunkEvent, LLMThinkingChunkEvent)


class ChunkEvents(Generic[E]):
    """Makes the events of one kind of chunk of one call.

    The first event is validated, and is the pattern of all others: what differs in them is known to be valid, or else
    they are validated, too. A stream has thousands of them, and validating is most of what making one takes.
    """

    def __init__(self, kind: type[E], common: Mapping[str, Any]) -> None:
        self._kind: type[E] = kind
        self._common = common
        self._pattern: dict[str, Any] = {}
        self._fields_set: set[str] = set()

    def event(self, text: str, response_id: str | None) -> E:
        """Return the event of one chunk. Raises pydantic.ValidationError where `text` is none."""
        timestamp, event_id = sources.now(), sources.new_id()
        if (
            self._pattern.get("response_id", _NONE_YET) == response_id
            and type(text) is type(event_id) is str
            and timestamp.tzinfo is UTC
        ):
            event: E = self._kind.__new__(self._kind)
            _set_dict(event, self._pattern | {"timestamp": timestamp, "event_id": event_id, "chunk": text})
            _set_fields_set(event, self._fields_set)
            _set_extra(event, None)
            _set_private(event, None)
            return event
        event = self._kind(chunk=text, response_id=response_id, timestamp=timestamp, event_id=event_id, **self._common)
        self._pattern, self._fields_set = event.__dict__.copy(), event.__pydantic_fields_set__ - _GIVEN_TO_EACH
        return event


#: Fields that nobody sets, as far as a reader of events can tell.
_GIVEN_TO_EACH = {"timestamp", "event_id"}
#: No response id, and not equal to any.
_NONE_YET = object()
# What `object.__setattr__` would look up anew for every event.
_set_dict, _set_fields_set, _set_extra, _set_private = (
    BaseModel.__dict__[name].__set__
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
