"""Faults: what can go wrong with a response, as pure functions of what was recorded.

The same fault with the same seed gives the same bytes, in playback (`playing` with `faulted` interactions) and from the
emulator. What a fault can't be done to, such as an error event in an answer that does not stream, it leaves alone.

One fault does nothing in playback: `gzip-header`, which a tape heals, because recorders that decode bodies leave such
headers behind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from harness.errors import UsageError
from harness.recording.faults.effects import Responses, break_off, garble, mislabel, refuse, repeat_end, tell_of_error
from harness.recording.wire import Interaction, WireResponse


class Fault(Struct, frozen=True):
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
        usages = ", ".join(known.usage(name) for name, known in FAULTS.items())
        raise UsageError(f"fault {spec!r}: there is none called {name!r}; there are {usages}")
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
    for interaction in interactions:
        responses: Responses = (interaction.response,)
        for fault in faults:
            *before, last = responses
            after = fault.apply(last)
            if after != (last,):
                done.add(fault.spec)
            responses = (*before, *after)
        result.extend(Interaction(interaction.request, response) for response in responses)
    for fault in faults:
        if fault.spec not in done:
            raise UsageError(f"fault {fault.spec!r} can be done to none of the {len(interactions)} responses recorded")
    return tuple(result)


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


class FaultKind(Struct, frozen=True):
    """A row of `FAULTS`."""

    #: A fault, but for its options.
    do: Callable[..., Responses]
    #: What it does, for people.
    says: str
    #: What may be said of it, and what reads it; the first may be given as a bare value.
    options: Mapping[str, Callable[[str], Any]]

    def usage(self, name: str) -> str:
        """Return how it is asked for."""
        first, *more = (*self.options, "")
        named = "".join(f"|{option}=…" for option in more if option)
        return f"{name}[:{first.upper()}{named}]" if first else name


_WHERE: Final[Mapping[str, Callable[[str], Any]]] = {"after": _whole, "seed": _whole}
_SEED: Final[Mapping[str, Callable[[str], Any]]] = {"seed": _whole}

#: Every fault by its name. Where nothing says after how many bytes or at which event, the seed, 0 if not given, does.
FAULTS: Final[Mapping[str, FaultKind]] = {
    "cut": FaultKind(partial(break_off, how="cut"), "closes the connection after so many bytes", _WHERE),
    "reset": FaultKind(partial(break_off, how="reset"), "resets the connection after so many bytes", _WHERE),
    "end": FaultKind(partial(break_off, how="complete"), "ends the response in order after so many bytes", _WHERE),
    "stall": FaultKind(
        partial(break_off, how="error", at_ms=math.inf),
        "falls silent after so many bytes, until the client leaves",
        _WHERE,
    ),
    "429": FaultKind(
        partial(refuse, status=429, reason="Too Many Requests", times=1, retry_after="1"),
        "answers 429 with Retry-After so many times (1), then as recorded",
        {"times": _count, "retry-after": _seconds},
    ),
    "500": FaultKind(
        partial(refuse, status=500, reason="Internal Server Error"),
        "answers 500, each time, or so many times and then as recorded",
        {"times": _count},
    ),
    "content-type": FaultKind(
        partial(mislabel, header="content-type", value="text/html"),
        "sends another content type (text/html)",
        {"value": _text},
    ),
    "gzip-header": FaultKind(
        partial(mislabel, header="content-encoding", value="gzip"), "says gzip above a plain body", {}
    ),
    "malformed": FaultKind(garble, "breaks the content of one event, or the JSON of an answer", _SEED),
    "error-event": FaultKind(tell_of_error, "ends the stream with the provider's error event", _SEED),
    "missing-end": FaultKind(partial(repeat_end, copies=0), "leaves out the end marker", {}),
    "double-end": FaultKind(partial(repeat_end, copies=2), "sends the end marker twice", {}),
}
