"""The ways into a run that the contract names, taken and read to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from conformance.stage.consumer import Consumer
from conformance.stage.reader import SessionKind
from conformance.timeline.expected import NOTHING, Expected

_SURFACE: Final = ("events", "frames", "result", "close")
_OWN: Final[dict[SessionKind, tuple[str, ...]]] = {
    "sync": ("__iter__", "__enter__"),
    "async": ("__aiter__", "__aenter__"),
}


def lacks(consumer: Consumer, value: Any) -> tuple[str, ...]:
    """Return what `value` lacks to be a session of the consumer's kind."""
    return tuple(name for name in (*_SURFACE, *_OWN[consumer.kind]) if not hasattr(type(value), name))


def flow_entries(consumer: Consumer, flow: Any) -> dict[str, Callable[..., Any] | None]:
    """Return the ways into a flow, for the consumer's kind, by what is written to take them; a missing one is None."""
    streaming = type(flow)()
    streaming.stream = True
    plain, kickoff = (
        (("stream_events", "stream_frames"), "kickoff") if consumer.is_sync else (("astream",), "kickoff_async")
    )
    ways = {f"flow.{name}": getattr(flow, name, None) for name in plain}
    return {**ways, f"Flow(stream=True).{kickoff}": getattr(streaming, kickoff, None)}


def way_in(consumer: Consumer, clause: str, call: str, make: Callable[[], Any], value: object) -> Iterator[Expected]:
    """Take a way in, and read to the end what it gives: a session with frames, that comes to `value`."""
    session, raised = consumer.tried(make)
    yield Expected(clause, call, NOTHING, raised)
    if raised is not None:
        return
    missing = lacks(consumer, session)
    yield Expected(clause, f"what {type(session).__name__}, given by {call}, lacks to be a session", (), missing)
    if missing:
        return
    read = consumer.read(consumer.keep(session))
    yield Expected(clause, f"reading {call}", NOTHING, read.raised)
    if read.raised is None:
        yield Expected(clause, f"whether {call} shows any frame", True, bool(read.frames))
        yield Expected(clause, f"what {call} comes to", value, session.result)
