"""How a wire format is framed, ends a stream and tells of an error: the part of a provider's row that needs no SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from msgspec import Struct

#: A blank line ends a server-sent event (WHATWG HTML, "Interpreting an event stream", read 2025-11).
_EVENT_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
#: The same where nothing is a carriage return: without alternatives, a body is searched at several times the speed.
_PLAIN_EVENT_END: Final = re.compile(rb"\n\n")


class Framing(Struct, frozen=True):
    """How a streamed body is divided into events."""

    #: In lower case, without parameters.
    media_type: str
    #: Where each whole event ends, ascending.
    ends: Callable[[bytes], Iterator[int]]
    #: Whether events carry checksums: one that is torn or changed says nothing.
    checked: bool = False
    #: What makes an event of JSON; None where that takes more.
    event: Callable[[Mapping[str, Any]], bytes] | None = None

    def readable(self, body: bytes) -> bytes:
        """Return as much of a body as can be read."""
        return body[: max(self.ends(body), default=0)] if self.checked else body


def _sse_ends(body: bytes) -> Iterator[int]:
    return _ends_of(body, _EVENT_END if b"\r" in body else _PLAIN_EVENT_END)


def _ends_of(body: bytes, mark: re.Pattern[bytes]) -> Iterator[int]:
    return (match.end() for match in mark.finditer(body))


def sse_event(body: Mapping[str, Any], name: str | None = None) -> bytes:
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(body)}\n\n".encode()


SSE: Final = Framing("text/event-stream", _sse_ends, event=sse_event)
JSON_LINES: Final = Framing(
    "application/x-ndjson",
    partial(_ends_of, mark=re.compile(rb"\n")),
    event=lambda body: json.dumps(body).encode() + b"\n",
)


class Dialect(Struct, frozen=True, eq=False):
    """One wire format, as far as its framing, its ends and its errors go."""

    name: str
    #: What a body of it holds, streamed or not.
    mark: re.Pattern[bytes]
    #: The provider's word for its own fault, by HTTP status; 500 also stands for an error inside a stream.
    words: Mapping[int, str]
    #: The JSON body of an error, from status, word and message.
    envelope: Callable[[int, str, str], dict[str, Any]]
    #: The event that tells of an error inside a stream, from status, word and message; None: the envelope does.
    event: Callable[[int, str, str], bytes] | None = None
    framing: Framing = SSE
    #: What ends a stream: nothing that matters comes after it. None where no mark does.
    end_mark: re.Pattern[bytes] | None = None
    #: What the events that end a stream hold beside that mark.
    last_words: re.Pattern[bytes] | None = None
    #: What tells why an answer ended, in a format that some hosts speak without marking the end of any stream.
    reason: re.Pattern[bytes] | None = None
    #: How many events, counted from the last, end a stream.
    ends: int = 1
    #: The header that names an error, where the provider sends one.
    error_header: str | None = None

    def error_response(self, status: int, message: str) -> tuple[tuple[tuple[str, str], ...], bytes]:
        """Return the header fields and the body with which an HTTP error comes."""
        word = self.words[status]
        named = ((self.error_header, word),) if self.error_header else ()
        return (("content-type", "application/json"), *named), json.dumps(self.envelope(status, word, message)).encode()

    def error_event(self, message: str) -> bytes:
        """Return the event that tells of a server error inside a stream."""
        error = (500, self.words[500], message)
        return (self.event or self._enveloped)(*error)

    def _enveloped(self, *error: Any) -> bytes:
        assert self.framing.event is not None, f"{self.name} has events of its own"
        return self.framing.event(self.envelope(*error))

    def has_ended(self, body: bytes) -> bool:
        """Return whether a streamed body holds the mark that ends it."""
        return self.end_mark is not None and self.end_mark.search(self.framing.readable(body)) is not None
