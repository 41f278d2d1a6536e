"""The table of scopes is the runtime's own, and each frame of a timeline has one place."""

from __future__ import annotations

import importlib
import pkgutil

import harness.events
from harness.bridges.scopes import CLOSES, OPENS, OpenScopes, PlacedScope
from harness.events import BaseEvent
from harness.frames.frame import StreamFrame
from tests.bridges.timelines import frame, recorded


def event_classes() -> list[type[BaseEvent]]:
    for module in pkgutil.iter_modules(harness.events.__path__):
        importlib.import_module(f"harness.events.{module.name}")
    found, waiting = [], [BaseEvent]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith("harness.events.") and isinstance(cls.model_fields["type"].default, str):
            found.append(cls)
    return found


def test_what_opens_and_closes_scopes_is_what_the_events_say() -> None:
    classes = event_classes()
    assert {cls.model_fields["type"].default: cls.opens for cls in classes if cls.opens} == OPENS
    assert {cls.model_fields["type"].default for cls in classes if cls.closes} == CLOSES.keys()


def check(frames: list[StreamFrame]) -> None:
    """Fail where what opens does not close once, and the inner first."""
    scopes = OpenScopes()
    is_open: list[PlacedScope] = []
    for one in frames:
        step = scopes.take(one)
        if step.frame.begins:
            is_open.clear()
        for closed in (*step.left, *([] if step.closed is None else [step.closed])):
            assert not any(closed in other.outward() for other in is_open if other is not closed)
            is_open.remove(closed)
        if step.opened is not None:
            assert step.opened.parent in {None, *is_open}
            is_open.append(step.opened)
    assert scopes.still_open() == is_open[::-1]


def test_scopes_of_every_recording_nest() -> None:
    for frames in recorded().values():
        check(frames)


def test_the_sessions_of_a_recording_follow_each_other() -> None:
    frames = recorded()["examples/recordings/chat"]
    assert [one.seq for one in frames].count(1) > 1
    scopes = OpenScopes()
    placed = [scopes.take(one).frame for one in frames]
    assert [one.moment for one in placed] == sorted(one.moment for one in placed)
    assert len({one.unique_id for one in placed}) == len(frames)


def test_a_scope_of_the_user_is_seen_through() -> None:
    scopes = OpenScopes()
    for one in (frame(1, "flow_started", flow_name="F"), frame(2, "my_work_began", "f1")):
        scopes.take(one)
    opened = scopes.take(frame(3, "llm_call_started", "f2", call_id="c")).opened
    assert opened is not None
    assert [scope.kind for scope in opened.outward()] == ["call", "flow"]
