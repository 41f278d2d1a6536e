"""Chrome's trace events, which ui.perfetto.dev and chrome://tracing open: a timeline as nestable async events.

Scopes that overlap, as parallel methods do, stand in lanes of their own: events of one lane nest, and only such may share an id.
Source: the Trace Event Format, "Nestable Async Events" (2026-11); Perfetto's page on external formats.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any, Final

from harness.bridges.scopes import OpenScopes, PlacedFrame, PlacedScope
from harness.bridges.texts import encodable, text_of
from harness.frames.stored import FrameLike

#: Events of one category and id nest, so all have this one.
_CATEGORY: Final = "run"

Event = dict[str, Any]


class PerfettoTranslator:
    """Takes the frames of a timeline one by one, and gives the events of each; `end` closes what is open.

    Total, and every frame is one event: the begin or the end of a scope, or an instant.
    """

    def __init__(self, *, name: str = "run", process: int = 1) -> None:
        """Translate as a process of this name and number: several timelines of one trace need numbers of their own."""
        self._name = encodable(name)
        self._process = process
        self._scopes = OpenScopes()
        self._lanes: list[list[PlacedScope]] = []
        self._free: list[int] = []
        #: The time of the last event of each lane.
        self._latest: list[int] = []
        self._lane_of: dict[PlacedScope, int] = {}
        self._moment = 0
        self._has_begun = False

    def feed(self, frame: FrameLike) -> list[Event]:
        """Return the events of the next frame."""
        step = self._scopes.take(frame)
        placed = step.frame
        events = self.end() if placed.begins else []
        if not self._has_begun:
            self._has_begun = True
            events.append(self._event("M", "process_name", args={"name": self._name}))
        self._moment = placed.microseconds
        events += [event for scope in step.left for event in self._ended(scope, {})]
        args = {"seq": placed.frame.seq, "type": placed.type, **placed.details()}
        if step.opened is not None:
            self._lane_of[step.opened] = self._lane_for(step.opened)
            return [*events, self._in_lane("b", step.opened, step.opened.name, args)]
        if step.closed is not None:
            return [*events, *self._ended(step.closed, args)]
        if placed.scope is None or placed.scope not in self._lane_of:
            return [*events, self._event("i", placed.type, args=args, s="p")]
        return [*events, self._in_lane("n", placed.scope, _tick(placed), args)]

    def end(self) -> list[Event]:
        """Return the ends of what is still open."""
        return [event for scope in reversed(list(self._lane_of)) for event in self._ended(scope, {})]

    def _ended(self, scope: PlacedScope, args: Event) -> list[Event]:
        if scope not in self._lane_of:
            return []
        events = []
        number = self._lane_of[scope]
        lane = self._lanes[number]
        # A scope in its lane that is still open ends with it, or it would not nest.
        while lane:
            last = lane[-1]
            events.append(self._in_lane("e", last, last.name, args if last is scope else {}))
            lane.pop()
            del self._lane_of[last]
            if last is scope:
                break
        if not lane:
            heappush(self._free, number)
        return events

    def _lane_for(self, scope: PlacedScope) -> int:
        """Return the lane of the scope around, where nothing else is open in that; else one that is free."""
        around = None if scope.parent is None else self._lane_of.get(scope.parent)
        if around is not None and self._lanes[around][-1] is scope.parent:
            lane = around
        elif self._free and self._latest[self._free[0]] <= self._moment:
            lane = heappop(self._free)
        else:
            lane = len(self._lanes)
            self._lanes.append([])
            self._latest.append(self._moment)
        self._lanes[lane].append(scope)
        return lane

    def _in_lane(self, phase: str, scope: PlacedScope, name: str, args: Event) -> Event:
        lane = self._lane_of[scope]
        # Threads take their times before their turns: an event that came later must not stand before those that it nests in.
        moment = self._latest[lane] = max(self._latest[lane], self._moment)
        # An id of the process's own: Perfetto puts what has a plain `id` on a track that belongs to none.
        return self._event(phase, name, ts=moment, args=args, id2={"local": str(lane)}, cat=_CATEGORY)

    def _event(self, phase: str, name: str, **fields: Any) -> Event:
        # Microseconds.
        return {"ph": phase, "name": name, "ts": self._moment, "pid": self._process, "tid": self._process, **fields}


def perfetto_trace(timelines: Iterable[tuple[str, Iterable[FrameLike]]]) -> dict[str, Any]:
    """Return one trace of timelines, each with its name, side by side."""
    events: list[Event] = []
    for process, (name, frames) in enumerate(timelines, start=1):
        translator = PerfettoTranslator(name=name, process=process)
        for frame in frames:
            events += translator.feed(frame)
        events += translator.end()
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _tick(frame: PlacedFrame) -> str:
    return (frame.is_chunk and text_of(frame.payload.get("chunk"))) or frame.type
