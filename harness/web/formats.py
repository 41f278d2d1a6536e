"""The forms in which a run travels: its frames as they are, or translated into the events of another protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

import orjson

from harness.bridges import CUSTOM_PREFIX, VERCEL_DONE, VERCEL_HEADERS, AguiTranslator, VercelTranslator, sse_text
from harness.bridges.texts import encodable
from harness.errors import UsageError
from harness.frames import StreamFrame
from harness.frames.stored import stored_frame
from harness.respondent import HumanQuestion
from harness.web.desk import QuestionAtDesk
from harness.web.feed import Feed, ServedFrame

#: What the id of the last event of a translated run ends with, and its number.
_END: Final = "end"
_LAST: Final = 10**15
#: The type and what caches and proxies are told stand in every response.
_OF_VERCEL: Final = {name: value for name, value in VERCEL_HEADERS.items() if name.startswith("x-vercel")}
#: More digits than the number of any frame has.
_MOST_DIGITS: Final = 15


class Seen(NamedTuple):
    """The last that a client has seen: a frame, and which of the events that were made of it."""

    seq: int
    event: int = 0


class EventFormat(ABC):
    """What is sent for a run, event by event."""

    name: str
    #: Header fields that tell clients of it.
    headers: Mapping[str, str] = MappingProxyType({})

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
    # What another runtime's frames hold may be no JSON; it takes the form that it has in frames of this one.
    fields = frame.model_dump(mode="json") if isinstance(frame, StreamFrame) else stored_frame(frame)
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


class _Frames(EventFormat):
    """One event per frame; events without an id: `ask` when questions have come or gone, and `end` after the last frame."""

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
            yield head + (b"".join(map(_event_of, batch)) or _ask_event(feed.questions))
            head = b""
        assert feed.end is not None
        yield head + b"event: end\ndata: %b\n\n" % orjson.dumps(asdict(feed.end), option=orjson.OPT_SORT_KEYS)


def _event_of(frame: ServedFrame) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (frame.seq, frame.channel.encode(), canonical(frame))


def _ask_event(questions: Iterable[QuestionAtDesk]) -> bytes:
    return b"event: ask\ndata: %b\n\n" % orjson.dumps(_question_fields(questions), option=orjson.OPT_SORT_KEYS)


def _question_fields(questions: Iterable[QuestionAtDesk]) -> dict[str, Any]:
    return {"questions": [{"number": posted.number, **_encodable_fields(posted.question)} for posted in questions]}


def _encodable_fields(question: HumanQuestion) -> dict[str, Any]:
    return {
        name: encodable(value) if isinstance(value, str) else [encodable(text) for text in value]
        for name, value in asdict(question).items()
    }


def _number(text: str, expected: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise _no_id(text, expected)
    return int(text)


def _no_id(text: str, expected: str) -> UsageError:
    return UsageError(f"Last-Event-ID is {text[:50]!r}; expected {expected}, as the events have it")


def _ask_fields(feed: Feed) -> dict[str, Any]:
    return {"run": feed.run, **_question_fields(feed.questions)}


def _custom_ask(feed: Feed) -> dict[str, Any]:
    """What a run asks its clients now, as AG-UI has it: an event of its own, since the run goes on when it is answered."""
    return {"type": "CUSTOM", "name": f"{CUSTOM_PREFIX}ask", "value": _ask_fields(feed)}


def _data_ask(feed: Feed) -> dict[str, Any]:
    """The same for Vercel's messages: a part that each later one takes the place of."""
    return {"type": "data-ask", "id": "ask", "data": _ask_fields(feed)}


class _Translator(Protocol):
    def feed(self, frame: Any) -> list[dict[str, Any]]: ...
    def end(self, error: str | None = None, error_type: str | None = None) -> list[dict[str, Any]]: ...


class _Translated(EventFormat):
    """The events of another protocol. The id of each is the `seq` of its frame and its number among those of that frame.

    A client that comes back is sent what comes after the event that it has seen: the timeline is translated again. What
    the run asks now is told again, too, in events that have no id, as often as it changes.
    """

    def __init__(
        self,
        name: str,
        translator: Callable[[], _Translator],
        ask_event: Callable[[Feed], dict[str, Any]],
        headers: Mapping[str, str] | None = None,
        done: str | None = None,
    ) -> None:
        self.name = name
        self.headers = headers or {}
        self._translator = translator
        self._ask_event = ask_event
        self._done = done

    def seen(self, last_event_id: str) -> Seen | None:
        if last_event_id == "":
            return None
        seq, _, event = last_event_id.partition(".")
        expected = "the number of a frame and that of an event, as in 12.1"
        try:
            return Seen(_number(seq, expected), _LAST if event == _END else _number(event, expected))
        except UsageError:
            raise _no_id(last_event_id, expected) from None

    def has_all(self, seen: Seen, last: int) -> bool:
        return seen == (last, _LAST)

    async def body(self, feed: Feed, seen: Seen | None, retry_ms: int) -> AsyncIterator[bytes]:
        translator = self._translator()
        head = f"retry: {retry_ms}\n"
        seq = number = 0
        asks_next = False
        async for batch in feed.follow():
            sent = []
            asks_next |= not batch
            for frame in batch:
                seq, number = frame.seq, 0
                for event in translator.feed(frame):
                    number += 1
                    if seen is None or (seq, number) > seen:
                        sent.append(f"id: {seq}.{number}\n{sse_text(event)}")
            if asks_next and seq:
                # Not before the first frame, with which the stream of the protocol begins.
                asks_next = False
                sent.append(sse_text(self._ask_event(feed)))
            if sent:
                yield (head + "".join(sent)).encode()
                head = ""
        assert feed.end is not None
        rest: list[dict[str, Any] | str] = [*translator.end(feed.end.error, feed.end.error_type)]
        rest += [] if self._done is None else [self._done]
        for closing in rest[:-1]:
            number += 1
            if seen is None or (seq, number) > seen:
                yield f"{head}id: {seq}.{number}\n{sse_text(closing)}".encode()
                head = ""
        yield f"{head}id: {seq}.{_END}\n{sse_text(rest[-1])}".encode() if rest else head.encode()


_FORMATS: Final[Mapping[str, EventFormat]] = {
    event_format.name: event_format
    for event_format in (
        _Frames(),
        _Translated("agui", AguiTranslator, _custom_ask),
        _Translated("vercel", VercelTranslator, _data_ask, _OF_VERCEL, VERCEL_DONE),
    )
}


def agui_format(thread_id: str, run_id: str) -> EventFormat:
    """Return AG-UI for a client that has named the thread and the run."""
    return _Translated("agui", partial(AguiTranslator, thread_id=thread_id, run_id=run_id), _custom_ask)


def vercel_format(message_id: str | None, question: str) -> EventFormat:
    """Return Vercel's messages for a client that has answered a question of a message, which goes on."""
    translator = partial(VercelTranslator, message_id=message_id, questions=(question,))
    return _Translated("vercel", translator, _data_ask, _OF_VERCEL, VERCEL_DONE)


def format_named(name: str) -> EventFormat:
    """Return a format by its name.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return _FORMATS[name]
    except KeyError:
        raise UsageError(f"there is no format {name[:50]!r}; there are {', '.join(_FORMATS)}") from None
