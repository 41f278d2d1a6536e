"""Claims about events that nobody sees: they are not made, and who begins to listen in the middle finds all in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from harness.bus import add_stream_sink, event_bus, reset_stream_sinks
from harness.events import (
    BaseEvent,
    FlowFinishedEvent,
    LLMCallCompletedEvent,
    MethodExecutionFinishedEvent,
    MethodExecutionStartedEvent,
)
from harness.events.sources import sources
from harness.flow import Flow, listen, start
from tests.flow.graph.graphs import Note


class Two(Flow):
    @start()
    def first(self) -> str:
        return "one"

    @listen(first)
    def second(self, heard: str) -> str:
        event_bus.emit(self, Note())
        return f"{heard}, two"


@pytest.fixture
def made() -> Iterator[list[datetime]]:
    """The times of all events that are made."""
    times: list[datetime] = []
    clock = sources.now

    def now() -> datetime:
        times.append(clock())
        return times[-1]

    sources.now = now
    yield times
    sources.now = clock


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with event_bus.scoped_handlers():
        yield


def test_where_nobody_listens_no_event_of_a_flow_is_made(made: list[datetime]) -> None:
    assert Two().kickoff() == "one, two"
    # The note, which its method makes itself.
    assert len(made) == 1


def test_a_listener_for_other_events_changes_nothing(made: list[datetime]) -> None:
    event_bus.register_handler(LLMCallCompletedEvent, lambda _source, _event: None)
    Two().kickoff()
    assert len(made) == 1


def test_a_session_has_them_all(made: list[datetime]) -> None:
    assert len(list(Two().stream_events())) == 7
    assert len(made) == 7


def test_a_sink_has_them_all(made: list[datetime]) -> None:
    heard: list[str] = []
    token = add_stream_sink(lambda _source, event: heard.append(event.type))
    try:
        Two().kickoff()
    finally:
        reset_stream_sinks(token)
    # And that the flow was made.
    assert (len(heard), len(made)) == (8, 8)


def test_who_begins_to_listen_in_a_method_is_told_of_its_end_with_the_links_that_hold() -> None:
    heard: list[Any] = []

    class Late(Two):
        @start()
        def first(self) -> str:
            event_bus.register_handler(BaseEvent, lambda _source, event: heard.append(event))
            event_bus.emit(self, Note())
            return "one"

    Late().kickoff()
    note, first, started, _, second, finished = heard
    assert [type(event) for event in heard] == [
        Note,
        MethodExecutionFinishedEvent,
        MethodExecutionStartedEvent,
        Note,
        MethodExecutionFinishedEvent,
        FlowFinishedEvent,
    ]
    assert note.parent_event_id == note.previous_event_id == first.started_event_id
    assert (first.method_name, first.result, first.state) == ("first", "one", {"id": first.state["id"]})
    assert started.triggered_by_event_id == started.previous_event_id == first.event_id
    assert second.started_event_id == started.event_id
    assert finished.started_event_id == first.parent_event_id == started.parent_event_id
    assert len({event.event_id for event in heard}) == len(heard)
