"""What a fault does to a response: pure functions, repeatable by their seed.

What can't be done to a response leaves it as it is: it comes back alone and equal.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from harness.recording.boundaries import framing_of
from harness.recording.faults.cuts import cut_points, events_of, last_chunk_ms, truncated, with_events
from harness.recording.faults.dialects import dialect_of, end_events, is_stream
from harness.recording.wire import Chunk, Ending, How, WireResponse

#: One response takes the place of the recorded one; several answer the attempts of one request, in order.
Responses = tuple[WireResponse, ...]

#: What httpx says of each ending, so that a client of it is told the same in playback as from the emulator.
_ERRORS: Final[Mapping[How, str]] = {
    "cut": "RemoteProtocolError: peer closed connection without sending complete message body (incomplete chunked read)",
    "reset": "ReadError: [Errno 104] Connection reset by peer",
    "error": "ReadTimeout: the response stalled",
}
#: The JSON of one event: that of a server-sent one, or of one that is a line.
_EVENT_JSON: Final = re.compile(rb"(?m)^(?:data: ?)?(\{.*\})(?=\r?$)")


def break_off(
    response: WireResponse, *, how: How, after: int | None = None, seed: int = 0, at_ms: float | None = None
) -> Responses:
    """Break off after so many bytes, or at a drawn chunk boundary before the end marker; `at_ms` delays the end."""
    if after is None:
        points = cut_points(response)
        after = _drawn(seed).choice(points) if points else 0
    if after >= len(response.body):
        return (response,)
    when = last_chunk_ms(response, after) if at_ms is None else at_ms
    return (truncated(response, after, Ending(how, _ERRORS.get(how), when)),)


def refuse(
    response: WireResponse, *, status: int, reason: str, times: int | None = None, retry_after: str | None = None
) -> Responses:
    """Answer with an error of the provider's own form: each time, or so many times and then as recorded."""
    headers, body = dialect_of(response).error_response(status, f"{reason}, as a fault that was asked for")
    if retry_after is not None:
        headers = (*headers, ("retry-after", retry_after))
    refusal = WireResponse(
        status, reason, headers, body, (Chunk(0, len(body), 0.0),), Ending("complete", None, 0.0), response.scope
    )
    return (refusal,) if times is None else (*[refusal] * times, response)


def mislabel(response: WireResponse, *, header: str, value: str) -> Responses:
    """Put one header field in the place of what was there by its name."""
    remaining = tuple((name, old) for name, old in response.headers if name.lower() != header)
    return (replace(response, headers=(*remaining, (header, value))),)


def garble(response: WireResponse, *, seed: int = 0) -> Responses:
    """Break the JSON of one event, or of an answer that does not stream; a checksum, where events carry them.

    In a format that nobody here reads, lines of JSON are events. What ends a stream is spared, where there is anything
    else; so is the last event where no mark is known.
    """
    events = list(events_of(response) if is_stream(response) else _lines_of_json(response.body))
    ends = end_events(response, events) or (len(events) - 1,)
    spared = ends if len(ends) < len(events) else ()
    framing = framing_of(response.header("content-type") or "")
    checked = framing is not None and framing.checked
    sound = {
        index: (0, len(event)) if checked else _json_span(event)
        for index, event in enumerate(events)
        if index not in spared
    }
    candidates = [(index, span) for index, span in sound.items() if span is not None]
    if not candidates:
        return (response,)
    drawn = _drawn(seed)
    index, (start, stop) = drawn.choice(candidates)
    event = events[index]
    if checked:
        spot = drawn.randrange(12, stop)
        events[index] = event[:spot] + bytes([event[spot] ^ 1]) + event[spot + 1 :]
    else:
        events[index] = event[:start] + _broken(event[start:stop].strip(), drawn) + event[stop:]
    return (with_events(response, events),)


def _lines_of_json(body: bytes) -> Sequence[bytes]:
    """Return the lines of a body in which several are JSON; else all of it."""
    lines = body.splitlines(keepends=True)
    return lines if sum(_EVENT_JSON.match(line) is not None for line in lines) > 1 else (body,)


def _json_span(event: bytes) -> tuple[int, int] | None:
    if found := _EVENT_JSON.search(event):
        return found.span(1)
    return (0, len(event)) if event.lstrip().startswith((b"{", b"[")) else None


def _broken(json: bytes, drawn: random.Random) -> bytes:
    """Return what no JSON parser takes: cut short, with a stray character, or with a byte that is not UTF-8."""
    return drawn.choice(
        (
            json[: drawn.randrange(1, len(json))],
            json[:1] + b"<" + json[1:],
            json[:1] + b"\xff" + json[1:],
        )
    )


def tell_of_error(response: WireResponse, *, seed: int = 0) -> Responses:
    """End the stream, at a drawn event, with the event by which its provider tells of an error."""
    if not is_stream(response):
        return (response,)
    events = events_of(response)
    ends = end_events(response, events)
    before = _drawn(seed).randint(1, max(1, ends[0] if ends else len(events)))
    error = dialect_of(response).error_event("The server failed, as a fault that was asked for")
    return (with_events(response, (*events[:before], error)),)


def repeat_end(response: WireResponse, *, copies: int) -> Responses:
    """Send the events that end the stream so many times."""
    events = list(events_of(response))
    ends = end_events(response, events)
    if not ends:
        return (response,)
    end = [events[index] for index in ends]
    rest = [event for index, event in enumerate(events) if index not in ends]
    return (with_events(response, [*rest, *end * copies]),)


def _drawn(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - faults are to be repeated, not to be secret
