"""The forms in which a run travels: its frames as they are, or translated into the events of another protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import ClassVar, Final, NamedTuple

import orjson

from harness.errors import UsageError
from harness.web.feed import Feed, ServedFrame

#: More digits than the number of any frame has.
_MOST_DIGITS: Final = 15


class Seen(NamedTuple):
    """The last that a client has seen: a frame, and which of the events that were made of it."""

    seq: int
    event: int = 0


class EventFormat(ABC):
    """What is sent for a run, event by event."""

    name: ClassVar[str]
    #: Header fields that tell clients of it.
    headers: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def seen(self, last_event_id: str) -> Seen | None:
        """Return what a client has seen that sends this as `Last-Event-ID`; None for nothing.

        Raises:
            UsageError: it is none of the ids that are sent.
        """

    @abstractmethod
    def has_all(self, seen: Seen, last: int) -> bool:
        """Return whether a client has seen all of a run that has ended with the frame `last`."""

    @abstractmethod
    def body(self, feed: Feed, seen: Seen | None, retry_ms: int) -> AsyncIterator[bytes]:
        """Yield what a client is sent that has seen so much."""


def canonical(frame: ServedFrame) -> bytes:
    """Return a frame as canonical JSON: keys sorted, no spaces, one line."""
    return orjson.dumps(frame.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


class _Frames(EventFormat):
    """One event per frame; an event `end` without an id after the last."""

    name = "frames"

    def seen(self, last_event_id: str) -> Seen | None:
        if last_event_id in {"", "0"}:
            return None
        return Seen(_number(last_event_id, "the seq of a frame"))

    def has_all(self, seen: Seen, last: int) -> bool:
        return seen.seq == last

    async def body(self, feed: Feed, seen: Seen | None, retry_ms: int) -> AsyncIterator[bytes]:
        head = b"retry: %d\n" % retry_ms
        async for batch in feed.follow(0 if seen is None else seen.seq):
            yield head + b"".join(map(_event_of, batch))
            head = b""
        assert feed.end is not None
        yield head + b"event: end\ndata: %b\n\n" % orjson.dumps(asdict(feed.end), option=orjson.OPT_SORT_KEYS)


def _event_of(frame: ServedFrame) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (frame.seq, frame.channel.encode(), canonical(frame))


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise UsageError(f"Last-Event-ID is {text[:50]!r}; expected {what}, as the events have it")
    return int(text)


_FORMATS: Final[Mapping[str, EventFormat]] = {one.name: one for one in (_Frames(),)}


def format_named(name: str) -> EventFormat:
    """Return a format by its name.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return _FORMATS[name]
    except KeyError:
        raise UsageError(f"there is no format {name[:50]!r}; there are {', '.join(_FORMATS)}") from None
