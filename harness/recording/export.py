"""Stored timelines in other protocols: as lines of one event each, or as one document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

import orjson

from harness.bridges import agui_events, openai_chat_events, otlp_json, perfetto_trace, sse_text, vercel_events
from harness.bridges.openai_chat import OPENAI_DONE
from harness.bridges.vercel import VERCEL_DONE
from harness.frames.frame import StreamFrame
from harness.recording.redact.redaction import Redactor
from harness.recording.timelines import StoredTimeline
from harness.terminal import shown

Protocol = Literal["agui", "vercel", "otel", "openai", "perfetto"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("agui", "vercel", "otel", "openai", "perfetto")

#: The protocols that are streams: what makes the events of one, and what ends one that is sent.
_STREAMS: Final[dict[str, tuple[Callable[[Iterable[StreamFrame]], Iterator[dict[str, Any]]], str | None]]] = {
    "agui": (agui_events, None),
    "vercel": (vercel_events, VERCEL_DONE),
    "openai": (openai_chat_events, OPENAI_DONE),
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Exported(NamedTuple):
    """What a file or a pipe is given, and how much is in it."""

    text: str
    frames: int
    #: Lines, spans, or events of the trace.
    events: int


def exported(timelines: list[StoredTimeline], to: Protocol, *, sse: bool = False, content: bool = False) -> Exported:
    """Return timelines in a protocol, one after the other; credentials are taken out, as of recordings.

    A stream is a JSON line for each event, or, with `sse`, its text as it is sent. Spans tell what people and models said only
    with `content`. Spans and traces have the times of their recording, where it is known.
    """
    clean = [(timeline, timeline.redacted().frames) for timeline in timelines]
    count = sum(len(frames) for _, frames in clean)
    if to in _STREAMS:
        # One client reads all runs of an AG-UI stream, in which their ids are told apart; the others have one run in each.
        streams = [frames for _, frames in clean]
        together = [list(chain.from_iterable(streams))] if to == "agui" else streams
        lines = [line for frames in together for line in _lines(to, frames, sse=sse)]
        return Exported("".join(lines), count, len(lines))
    if to == "perfetto":
        redactor = Redactor()
        named = [(redactor.text(shown(_name(timeline))), _in_time(timeline, frames)) for timeline, frames in clean]
        trace = perfetto_trace(named)
        return Exported(_line(trace), count, len(trace["traceEvents"]))
    requests = [
        otlp_json(
            _in_time(timeline, frames), content=content, provider=_provider(timeline), seed=shown(_name(timeline))
        )
        for timeline, frames in clean
    ]
    resources = [resource for request in requests for resource in request["resourceSpans"]]
    spans = sum(len(scope["spans"]) for resource in resources for scope in resource["scopeSpans"])
    return Exported(_line({"resourceSpans": resources}), count, spans)


def _lines(to: str, frames: list[StreamFrame], *, sse: bool) -> Iterator[str]:
    events_of, done = _STREAMS[to]
    for event in events_of(frames):
        yield sse_text(event) if sse else _line(event)
    if sse and done is not None and frames:
        yield sse_text(done)


def _line(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode() + "\n"


def _name(timeline: StoredTimeline) -> str:
    return str(timeline.path) if timeline.interaction is None else f"{timeline.path} #{timeline.interaction}"


def _provider(timeline: StoredTimeline) -> str | None:
    """Return the provider of a recording's calls, where it is one for all."""
    providers = timeline.recording.providers if timeline.recording is not None else ()
    return providers[0] if len(providers) == 1 else None


def _in_time(timeline: StoredTimeline, frames: list[StreamFrame]) -> list[StreamFrame]:
    """Return frames whose times, counted from 1970 in a recording, are those of the day on which it was made."""
    begun = None if timeline.recording is None else timeline.recording.moment
    if begun is None:
        return frames
    shift = begun - _EPOCH
    return [frame.model_copy(update={"timestamp": _later(frame.timestamp, shift)}) for frame in frames]


def _later(moment: datetime, shift: timedelta) -> datetime:
    try:
        return moment + shift
    except OverflowError:
        return moment
