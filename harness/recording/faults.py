"""Faults: what can go wrong with a response, as pure functions of what was recorded.

The same fault with the same seed gives the same bytes, in playback (`playing` with `faulted` interactions) and from the
emulator. What a fault can't be done to, such as an error event in an answer that does not stream, it leaves alone.

One fault does nothing in playback: `gzip-header`, which a tape heals, because recorders that decode bodies leave such
headers behind.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from harness.errors import UsageError
from harness.recording.dialects import AWS_EVENT_STREAM, dialect_of, end_events, is_stream
from harness.recording.framing import media_type
from harness.recording.splitting import cut_points, events_of, last_chunk_ms, resplit, truncated, with_events
from harness.recording.wire import Chunk, Ending, How, Interaction, WireResponse

__all__ = ["FAULTS", "Fault", "cut_points", "faulted", "parse_fault", "resplit"]

#: One response takes the place of the recorded one; several answer the attempts of one request, in order.
Responses = tuple[WireResponse, ...]

#: What httpx says of each ending, so that a client of it is told the same in playback as from the emulator.
_ERRORS: Final[Mapping[How, str]] = {
    "cut": "RemoteProtocolError: peer closed connection without sending complete message body (incomplete chunked read)",
    "reset": "ReadError: [Errno 104] Connection reset by peer",
    "error": "ReadTimeout: the response stalled",
}
#: The JSON of one server-sent event.
_SSE_JSON: Final = re.compile(rb"(?m)^data: ?(\{.*\})(?=\r?$)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, ready to be done to any response."""

    #: As it was asked for.
    spec: str
    #: The responses that come in place of one; the same one alone where the fault can't be done to it.
    apply: Callable[[WireResponse], Responses]


def parse_fault(spec: str) -> Fault:
    """Return the fault that `spec` asks for: `NAME`, `NAME:VALUE` or `NAME:OPTION=VALUE,…`, as `FAULTS` lists them.

    Raises:
        UsageError: there is no such fault or option, or a value is not what the option takes.
    """
    name, _, rest = spec.partition(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise UsageError(f"fault {spec!r}: there is none called {name!r}; there are {', '.join(_usages())}")
    options: dict[str, Any] = {}
    for item in filter(None, rest.split(",")):
        option, equals, value = item.partition("=")
        if not equals or option not in kind.options:
            option, value = next(iter(kind.options), ""), item
        if option not in kind.options or option.replace("-", "_") in options:
            raise UsageError(f"fault {spec!r}: {item!r} is one too many; expected {kind.usage(name)}")
        try:
            options[option.replace("-", "_")] = kind.options[option](value)
        except ValueError as error:
            raise UsageError(f"fault {spec!r}: {value!r} is {error}; expected {kind.usage(name)}") from error
    return Fault(spec, partial(kind.do, **options))


def faulted(interactions: Sequence[Interaction], faults: Sequence[Fault]) -> tuple[Interaction, ...]:
    """Return the interactions with every fault done to each, in order: the second to what the first left, and so on.

    Where a fault answers several attempts, there is an interaction for each, and the next fault is done to the last.

    Raises:
        UsageError: a fault can be done to none of them.
    """
    result: list[Interaction] = []
    done: set[str] = set()
    for one in interactions:
        responses: Responses = (one.response,)
        for fault in faults:
            *before, last = responses
            after = fault.apply(last)
            if after != (last,):
                done.add(fault.spec)
            responses = (*before, *after)
        result.extend(Interaction(one.request, response) for response in responses)
    for fault in faults:
        if fault.spec not in done:
            raise UsageError(f"fault {fault.spec!r} can be done to none of the {len(interactions)} responses recorded")
    return tuple(result)


def _break_off(
    response: WireResponse, *, how: How, after: int | None = None, seed: int = 0, at_ms: float | None = None
) -> Responses:
    if after is None:
        points = cut_points(response)
        after = _drawn(seed).choice(points) if points else 0
    if after >= len(response.body):
        return (response,)
    when = last_chunk_ms(response, after) if at_ms is None else at_ms
    return (truncated(response, after, Ending(how, _ERRORS.get(how), when)),)


def _refuse(
    response: WireResponse, *, status: int, reason: str, times: int | None = None, retry_after: str | None = None
) -> Responses:
    headers, body = dialect_of(response).error_response(status, f"{reason}, as a fault that was asked for")
    if retry_after is not None:
        headers = (*headers, ("retry-after", retry_after))
    refusal = WireResponse(
        status, reason, headers, body, (Chunk(0, len(body), 0.0),), Ending("complete", None, 0.0), response.scope
    )
    return (refusal,) if times is None else (*[refusal] * times, response)


def _mislabel(response: WireResponse, *, header: str, value: str) -> Responses:
    kept = tuple((name, old) for name, old in response.headers if name.lower() != header)
    return (replace(response, headers=(*kept, (header, value))),)


def _garble(response: WireResponse, *, seed: int = 0) -> Responses:
    """Break the JSON of one event, or of an answer that does not stream; in AWS framing, a checksum."""
    events = list(events_of(response))
    ends = end_events(response, events)
    aws = media_type(response.header("content-type") or "") == AWS_EVENT_STREAM
    plain = not is_stream(response)
    sound = {
        index: (0, len(event)) if aws or plain else _json_span(event)
        for index, event in enumerate(events)
        if index not in ends
    }
    candidates = [(index, span) for index, span in sound.items() if span is not None]
    if not candidates or (plain and not response.body.lstrip().startswith((b"{", b"["))):
        return (response,)
    drawn = _drawn(seed)
    index, (start, stop) = drawn.choice(candidates)
    event = events[index]
    if aws:
        spot = drawn.randrange(12, stop)
        events[index] = event[:spot] + bytes([event[spot] ^ 1]) + event[spot + 1 :]
    else:
        events[index] = event[:start] + _broken(event[start:stop].strip(), drawn) + event[stop:]
    return (with_events(response, events),)


def _json_span(event: bytes) -> tuple[int, int] | None:
    found = _SSE_JSON.search(event)
    return None if found is None else found.span(1)


def _broken(json: bytes, drawn: random.Random) -> bytes:
    """Return what no JSON parser takes: cut short, with a stray character, or with a byte that is not UTF-8."""
    return drawn.choice(
        (
            json[: drawn.randrange(1, len(json))],
            json[:1] + b"<" + json[1:],
            json[:1] + b"\xff" + json[1:],
        )
    )


def _tell_of_error(response: WireResponse, *, seed: int = 0) -> Responses:
    if not is_stream(response):
        return (response,)
    events = events_of(response)
    ends = end_events(response, events)
    before = _drawn(seed).randint(1, max(1, ends[0] if ends else len(events)))
    error = dialect_of(response).error_event("The server failed, as a fault that was asked for")
    return (with_events(response, (*events[:before], error)),)


def _repeat_end(response: WireResponse, *, copies: int) -> Responses:
    events = list(events_of(response))
    ends = end_events(response, events)
    if not ends:
        return (response,)
    end = [events[index] for index in ends]
    rest = [event for index, event in enumerate(events) if index not in ends]
    return (with_events(response, [*rest, *end * copies]),)


def _drawn(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - faults are to be repeated, not to be secret


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError("no whole number")
    return int(text)


def _count(text: str) -> int:
    if (number := _whole(text)) == 0:
        raise ValueError("not above zero")
    return number


def _seconds(text: str) -> str:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise ValueError("no number of seconds")
    return text


def _text(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("no header value")
    return text.strip()


@dataclass(frozen=True, slots=True)
class _Kind:
    """A row of `FAULTS`. The first option may be given as a bare value."""

    do: Callable[..., Responses]
    #: What it does, for people.
    says: str
    options: Mapping[str, Callable[[str], Any]]

    def usage(self, name: str) -> str:
        """Return how it is asked for."""
        first, *more = (*self.options, "")
        named = "".join(f"|{option}=…" for option in more if option)
        return f"{name}[:{first.upper()}{named}]" if first else name


def _usages() -> list[str]:
    return [kind.usage(name) for name, kind in FAULTS.items()]


_WHERE: Final[Mapping[str, Callable[[str], Any]]] = {"after": _whole, "seed": _whole}
_SEED: Final[Mapping[str, Callable[[str], Any]]] = {"seed": _whole}

#: Every fault by its name. Where nothing says after how many bytes or at which event, the seed, 0 if not given, does.
FAULTS: Final[Mapping[str, _Kind]] = {
    "cut": _Kind(partial(_break_off, how="cut"), "closes the connection after so many bytes", _WHERE),
    "reset": _Kind(partial(_break_off, how="reset"), "resets the connection after so many bytes", _WHERE),
    "end": _Kind(partial(_break_off, how="complete"), "ends the response in order after so many bytes", _WHERE),
    "stall": _Kind(
        partial(_break_off, how="error", at_ms=math.inf),
        "falls silent after so many bytes, until the client leaves",
        _WHERE,
    ),
    "429": _Kind(
        partial(_refuse, status=429, reason="Too Many Requests", times=1, retry_after="1"),
        "answers 429 with Retry-After so many times (1), then as recorded",
        {"times": _count, "retry-after": _seconds},
    ),
    "500": _Kind(
        partial(_refuse, status=500, reason="Internal Server Error"),
        "answers 500, each time, or so many times and then as recorded",
        {"times": _count},
    ),
    "content-type": _Kind(
        partial(_mislabel, header="content-type", value="text/html"),
        "sends another content type (text/html)",
        {"value": _text},
    ),
    "gzip-header": _Kind(
        partial(_mislabel, header="content-encoding", value="gzip"), "says gzip above a plain body", {}
    ),
    "malformed": _Kind(_garble, "breaks the content of one event, or the JSON of an answer", _SEED),
    "error-event": _Kind(_tell_of_error, "ends the stream with the provider's error event", _SEED),
    "missing-end": _Kind(partial(_repeat_end, copies=0), "leaves out the end marker", {}),
    "double-end": _Kind(partial(_repeat_end, copies=2), "sends the end marker twice", {}),
}
