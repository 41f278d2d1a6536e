"""What is done to a recorded answer before a run is made again with it: each variant with what to call it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from conformance.providers.integration import Integration
from conformance.providers.playback import Spoilt
from conformance.providers.runs import AnsweredCall
from conformance.wire import is_request_id
from harness.recording import (
    Ending,
    WireResponse,
    cut_points,
    events_of,
    parse_fault,
    refuse,
    repeat_end,
    resplit,
    tell_of_error,
)

#: Lengths that are in step with no framing.
_PRIMES: Final = (2, 3, 5, 7, 11, 13)
#: Bodies up to this many bytes are also given byte by byte.
_SHORT: Final = 20_000
#: A head, a piece of the answer, and an end.
_FEW: Final = 3
#: What to call each way to break off.
_HOWS: Final = {"end": "ended in order", "cut": "cut off", "reset": "reset"}
_REASONS: Final = {429: "Too Many Requests", 500: "Internal Server Error"}


class Variant(Struct, frozen=True):
    """Answers in the place of one, for each attempt in order."""

    #: As in `cut after 512 of 1,024 bytes`.
    label: str
    answers: tuple[WireResponse, ...]
    spoilt: Spoilt = None


def cuts(call: AnsweredCall, how: str, most: int) -> Iterator[Variant]:
    """Yield the answer broken off at boundaries before its end marker, in one of the ways that faults know.

    Of many boundaries, `most` are taken, spread over all; the first and the last are always among them.
    """
    whole = len(call.response.body)
    # In a format that nobody here reads, the last piece is taken for the end marker.
    boundaries = sorted({*cut_points(call.response), *_event_ends(call.response)})
    for point in _spread(boundaries, most):
        (cut,) = parse_fault(f"{how}:{point}").apply(call.response)
        if cut != call.response:
            yield Variant(f"{_HOWS[how]} after {point:,} of {whole:,} bytes", (cut,), "cut")


def _event_ends(response: WireResponse) -> Iterator[int]:
    """Yield where events end of an answer that came in fewer pieces than it has; not beyond what may be cut."""
    limit = max(cut_points(response), default=0)
    end = 0
    for event in events_of(response)[:-1]:
        end += len(event)
        if end <= limit:
            yield end


def _spread(points: Sequence[int], most: int) -> Sequence[int]:
    if len(points) <= most:
        return points
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def silent(call: AnsweredCall) -> tuple[WireResponse, bool]:
    """Return the answer without an end after its last boundary before the end marker, and whether it has text by then."""
    point = max([*cut_points(call.response), *_event_ends(call.response)])
    (stalled,) = parse_fault(f"stall:{point}").apply(call.response)
    facts = call.facts_of(stalled)
    # Of a format that nobody here reads, the pieces before the last are taken for an answer.
    return stalled, bool(facts.text) if facts is not None else len(call.response.chunks) > _FEW and bool(
        call.shown.text
    )


def without_end(call: AnsweredCall) -> Iterator[Variant]:
    """Yield the answer without what its format ends a stream with; nothing for a format that nobody here reads."""
    for answer in repeat_end(call.response, copies=0):
        if answer != call.response:
            yield Variant("without its end marker", (answer,), "cut")


def splits(response: WireResponse) -> Iterator[WireResponse]:
    """Yield the same bytes in other pieces: one by one, at primes, all at once."""
    whole = max(1, len(response.body))
    for lengths in ((1,), _PRIMES, (whole,)):
        if lengths != (1,) or whole <= _SHORT:
            yield resplit(response, lengths)


def refusals(integration: Integration, call: AnsweredCall, status: int) -> Iterator[Variant]:
    """Yield the answer with an error status in its place."""
    yield Variant(f"answered with {status}", (refusal(integration, call, status),))


def refusal(integration: Integration, call: AnsweredCall, status: int) -> WireResponse:
    """Return an error of that status: in the words of the format, or those of an error that was recorded."""
    recorded = [other.response for other in integration.calls if other.was_refused]
    like = call.response if call.was_refused else recorded[0] if recorded and call.wire_format is None else None
    if like is not None:
        return replace(like, status=status, reason=_REASONS[status], scope=call.response.scope)
    (refused,) = refuse(call.response, status=status, reason=_REASONS[status])
    ids = tuple(field for field in call.response.headers if is_request_id(field[0]))
    return replace(refused, headers=(*refused.headers, *ids), ended=Ending("complete", None, 0.0))


def refused_once(integration: Integration, call: AnsweredCall) -> Iterator[Variant]:
    """Yield an answer that says to try again in no time, and then what was recorded."""
    if call.streamed and not call.was_refused and call.shown.finish_reason is not None:
        refused = refusal(integration, call, 429)
        soon = replace(refused, headers=(*refused.headers, ("retry-after", "0.01")))
        yield Variant("answered with 429 and then as recorded", (soon, call.response))


def malformed(call: AnsweredCall, seeds: Sequence[int]) -> Iterator[Variant]:
    """Yield the answer with one event, or its JSON, broken."""
    if call.was_refused:
        return
    for seed in seeds:
        (broken,) = parse_fault(f"malformed:seed={seed}").apply(call.response)
        if broken != call.response:
            yield Variant(f"malformed (seed {seed})", (broken,), "wrong")


def error_events(call: AnsweredCall, seeds: Sequence[int]) -> Iterator[Variant]:
    """Yield the answer with its provider's error event at its end; nothing for a format that nobody here reads."""
    if call.wire_format is None:
        return
    for seed in seeds:
        (failing,) = tell_of_error(call.response, seed=seed)
        if failing != call.response:
            yield Variant(f"with an error event (seed {seed})", (failing,), "wrong")
