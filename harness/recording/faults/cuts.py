"""Responses cut short, and the same bytes in other pieces: how chunk marks follow when a body changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, cycle

from msgspec.structs import replace

from harness.errors import UsageError
from harness.recording.boundaries import pieces
from harness.recording.faults.dialects import end_events
from harness.recording.wire import Chunk, Ending, WireResponse


def cut_points(response: WireResponse) -> tuple[int, ...]:
    """Return the offsets, ascending, at which a cut leaves whole chunks and no part of the end marker.

    0, a response of which only the head comes, is the first. Where there is no end marker, the whole body is not among
    them: it would be the response itself.
    """
    events = events_of(response)
    ends = end_events(response, events)
    limit = sum(map(len, events[: ends[0]])) if ends else len(response.body) - 1
    return tuple(
        offset for offset in (0, *(chunk.offset + chunk.length for chunk in response.chunks)) if offset <= limit
    )


def resplit(response: WireResponse, lengths: Sequence[int]) -> WireResponse:
    """Return the same bytes in pieces of `lengths`, taken again from the first until the body is used up.

    `(1,)` is byte by byte. A piece arrives when its last byte did.

    Raises:
        UsageError: there is no length, or one is below 1.
    """
    if not lengths or min(lengths) < 1:
        raise UsageError(f"lengths are {list(lengths)}; expected at least one, each 1 or more")
    return replace(response, chunks=tuple(_marks(response, _cycled(lengths, len(response.body)))))


def truncated(response: WireResponse, length: int, ended: Ending) -> WireResponse:
    """Return the first `length` bytes, in the pieces in which they came, and then `ended`."""
    chunks = tuple(
        Chunk(chunk.offset, min(chunk.length, length - chunk.offset), chunk.at_ms)
        for chunk in response.chunks
        if chunk.offset < length
    )
    return replace(response, body=response.body[:length], chunks=chunks, ended=ended)


def events_of(response: WireResponse) -> tuple[bytes, ...]:
    """Return the body as its whole events, as `framing.pieces` tells them."""
    lengths = pieces(response.header("content-type") or "", response.body)
    return tuple(response.body[end - length : end] for length, end in zip(lengths, accumulate(lengths), strict=True))


def with_events(response: WireResponse, events: Sequence[bytes]) -> WireResponse:
    """Return the response with these events for its body, one chunk each, spread over its recorded times in order."""
    times = [mark.at_ms for mark in _marks(response, map(len, events_of(response)))] or [0.0]
    offsets = accumulate(map(len, events), initial=0)
    chunks = tuple(
        Chunk(offset, len(event), times[min(index, len(times) - 1)])
        for index, (offset, event) in enumerate(zip(offsets, events, strict=False))
    )
    return replace(response, body=b"".join(events), chunks=chunks)


def last_chunk_ms(response: WireResponse, length: int) -> float:
    """Return when the last of the first `length` bytes arrived; 0 where there are none."""
    return max((chunk.at_ms for chunk in response.chunks if chunk.offset < length), default=0.0)


def _cycled(lengths: Sequence[int], total: int) -> Iterator[int]:
    left = total
    for length in cycle(lengths):
        if left <= 0:
            return
        yield min(length, left)
        left -= length


def _marks(response: WireResponse, lengths: Iterable[int]) -> Iterator[Chunk]:
    """Yield a mark per piece; the recorded chunks are walked beside them, so that long bodies cost no more than short."""
    recorded = iter(response.chunks)
    current = next(recorded, None)
    offset = 0
    for length in lengths:
        last_byte = offset + length - 1
        while current is not None and current.offset + current.length <= last_byte:
            current = next(recorded, None)
        yield Chunk(offset, length, current.at_ms if current is not None else response.ended.at_ms)
        offset += length
