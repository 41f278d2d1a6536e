"""Where a body that streams events can be divided, and whether its last word was heard.

Used for recordings without chunk marks, such as plain vcrpy cassettes, and to tell a client that stopped reading
after the end from one that stopped before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A blank line ends a server-sent event (WHATWG HTML, "Interpreting an event stream", read 2025-11).
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")

#: Marks after which a provider sends nothing that matters, by the way a body is framed. `[DONE]`: OpenAI chat and
#: its kin. `message_stop`: Anthropic. `response.…`: OpenAI Responses.
_SSE_END_MARKS = (
    re.compile(rb"^data: ?\[DONE\][\r\n]", re.MULTILINE),
    re.compile(rb"^event: ?message_stop\r?\ndata:.*\r?\n", re.MULTILINE),
    re.compile(rb"^event: ?response\.(?:completed|failed|incomplete)\r?\ndata:.*\r?\n", re.MULTILINE),
)

#: AWS event stream: the header `:event-type` with value `metadata`, which ConverseStream sends last. A header is its
#: name's length and name, type 7 (string), the value's length in two bytes, and the value.
_AWS_END_MARK = b"\x0b:event-type\x07\x00\x08metadata"
#: Prelude (total length, headers length, CRC) and the message's own CRC.
_AWS_SMALLEST_MESSAGE = 16


def pieces(content_type: str, body: bytes) -> tuple[int, ...]:
    """Return the lengths of the pieces that `body` falls into: one per event where it streams events, else one.

    A tail that is no whole event is a piece of its own; an empty body has none.
    """
    if not body:
        return ()
    kind = media_type(content_type)
    if kind == "text/event-stream":
        ends = [match.end() for match in _EVENT_END.finditer(body)]
    elif kind == "application/vnd.amazon.eventstream":
        ends = list(_aws_message_ends(body))
    else:
        ends = []
    if not ends or ends[-1] < len(body):
        ends.append(len(body))
    return tuple(end - start for start, end in zip([0, *ends], ends, strict=False))


def end_was_seen(content_type: str, body: bytes) -> bool:
    """Return whether `body` holds the mark with which its provider ends a stream."""
    kind = media_type(content_type)
    if kind == "text/event-stream":
        return any(mark.search(body) for mark in _SSE_END_MARKS)
    if kind == "application/vnd.amazon.eventstream":
        ends = list(_aws_message_ends(body))
        return any(_AWS_END_MARK in body[start:end] for start, end in zip([0, *ends], ends, strict=False))
    return False


def media_type(content_type: str) -> str:
    """Return `content_type` in lower case without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _aws_message_ends(body: bytes) -> Iterator[int]:
    """Yield where each whole message ends; stop at the first length that can't be one."""
    start = 0
    while start < len(body):
        end = start + int.from_bytes(body[start : start + 4], "big")
        if end < start + _AWS_SMALLEST_MESSAGE or end > len(body):
            return
        yield end
        start = end
