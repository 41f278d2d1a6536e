"""Graphs described as data, made into flow classes of sync or async methods, and their runs as transcripts."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.bus import event_bus
from harness.events import BaseEvent, MethodExecutionFinishedEvent
from harness.flow import Flow
from harness.frames.frame import StreamFrame
from harness.workers import in_thread

#: How long a test waits for what must happen; only a failing one waits that long.
TIMEOUT_S = 10.0
Kind = Literal["sync", "async"]
KINDS: tuple[Kind, ...] = ("sync", "async")


@dataclass(frozen=True)
class Node:
    """One method: its decorators, what it makes of its argument, and the method whose end it waits for."""

    role: Callable[[Any], Any]
    does: Callable[[Any], Any] = lambda value: value
    follows: str | None = None


class Note(BaseEvent):
    type: str = "note"
    what: str = ""


class Ends:
    """Tells methods when other methods have been published as finished, so that parallel runs have one order."""

    def __init__(self) -> None:
        self._events: dict[str, threading.Event] = {}

    def of(self, method: str) -> threading.Event:
        return self._events.setdefault(method, threading.Event())

    def wait(self, method: str) -> None:
        assert self.of(method).wait(TIMEOUT_S), f"{method} did not finish"


@contextlib.contextmanager
def hearing(*kinds: type[BaseEvent], note: Callable[[Any], Any] = lambda event: event) -> Iterator[list[Any]]:
    """Give the list of what `note` makes of each event of these kinds."""
    heard: list[Any] = []
    with event_bus.scoped_handlers():
        event_bus.on(*kinds)(lambda source, event: heard.append(note(event)))
        yield heard


@contextlib.contextmanager
def watched_ends() -> Iterator[Ends]:
    ends = Ends()
    with hearing(MethodExecutionFinishedEvent, note=lambda event: ends.of(event.method_name).set()):
        yield ends


def flow_class(nodes: Mapping[str, Node], kind: Kind, ends: Ends) -> type[Flow]:
    """Return a flow class `Graph` with these methods, in this order."""
    namespace = {name: node.role(_method(name, node, kind, ends)) for name, node in nodes.items()}
    return type("Graph", (Flow,), namespace)


def _method(name: str, node: Node, kind: Kind, ends: Ends) -> Callable[..., Any]:
    def sync(self: Any, value: Any = None) -> Any:
        if node.follows is not None:
            ends.wait(node.follows)
        return node.does(value)

    async def coroutine(self: Any, value: Any = None) -> Any:
        if node.follows is not None:
            followed = node.follows
            await in_thread(lambda: ends.wait(followed))
        return node.does(value)

    method: Callable[..., Any] = sync if kind == "sync" else coroutine
    method.__name__ = name
    return method


def transcript(frames: Iterable[StreamFrame]) -> list[str]:
    """Return one line per frame: what, how, the parent's seq after `p` and the seq that triggered it after `t`."""
    seqs: dict[Any, int] = {}
    lines = []
    for frame in frames:
        seqs[frame.id] = frame.seq
        what = frame.data.get("method_name") or frame.data["flow_name"]
        line = f"{what} {frame.type.rpartition('_')[2]}"
        if frame.parent_id is not None:
            line += f" p{seqs[frame.parent_id]}"
        if frame.data.get("triggered_by_event_id") is not None:
            line += f" t{seqs[frame.data['triggered_by_event_id']]}"
        lines.append(line)
    return lines


async def collected(frames: Any) -> list[StreamFrame]:
    """Return all frames of an async projection."""
    return [frame async for frame in frames]


def streamed(flow: Flow[Any], **options: Any) -> Any:
    """Return what a run comes to that is read as a session."""
    session = flow.stream_events(**options)
    list(session)
    return session.result


def astreamed(flow: Flow[Any], **options: Any) -> Any:
    """Return what a run comes to that is read as an async session."""

    async def read() -> Any:
        session = flow.astream(**options)
        await collected(session)
        return session.result

    return asyncio.run(read())


async def _kickoff(flow: Flow[Any], **options: Any) -> Any:
    return await flow.kickoff_async(**options)


#: The ways to run a flow; each gives what the run comes to.
WAYS: dict[str, Callable[..., Any]] = {
    "kickoff": lambda flow, **options: flow.kickoff(**options),
    "kickoff_async": lambda flow, **options: asyncio.run(_kickoff(flow, **options)),
    "stream_events": streamed,
    "astream": astreamed,
}
