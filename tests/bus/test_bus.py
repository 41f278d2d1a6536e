"""Claims about emitting: stamps, scopes, sinks, and that what watches a run changes nothing in it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from harness.bus import (
    BaseEventListener,
    EventBus,
    add_stream_sink,
    aemit,
    emit,
    event_bus,
    reset_stream_sinks,
    scope as scopes,
)
from harness.bus.bus import close_scope, emit_here, open_scope
from harness.bus.scope import ROOT, Run, Scope
from harness.errors import RunCancelled, UsageError
from harness.events import (
    BaseEvent,
    FlowFinishedEvent,
    FlowStartedEvent,
    MethodExecutionStartedEvent,
    ToolUsageStartedEvent,
)
from harness.flow import Flow, start
from harness.frames.frame import StreamFrame
from harness.session.session import StreamSession
from tests.threads import in_threads


class Note(BaseEvent):
    type: str = "note"
    value: Any = None


def test_an_event_is_stamped_in_place_at_its_first_emit() -> None:
    first, second = Note(), Note()
    emit(None, first)
    emit(None, second)
    assert first.emission_sequence is not None
    assert second.emission_sequence == first.emission_sequence + 1
    assert second.previous_event_id == first.event_id


def test_an_instance_that_is_emitted_again_is_published_as_a_copy_and_stays_as_it_was() -> None:
    heard: list[BaseEvent] = []
    note = Note(value=1)
    with event_bus.scoped_handlers():
        event_bus.register_handler(Note, lambda _source, event: heard.append(event))
        emit(None, note)
        stamped = note.model_copy()
        emit(None, note)
    first, second = heard
    assert first is note
    assert note == stamped
    assert (second.event_id != note.event_id, second.previous_event_id) == (True, note.event_id)
    assert isinstance(second, Note)
    assert second.value == 1


def test_an_instance_that_nobody_has_looked_at_is_emitted_again_as_another_event() -> None:
    note = Note(value=1)
    first, second = StreamSession(lambda: [emit(None, note) for _ in range(2)])
    assert (first.id != second.id, second.previous_id) == (True, first.id)


def test_events_in_a_scope_have_it_as_their_parent() -> None:
    scope = open_scope(None, FlowStartedEvent(flow_name="F"))
    note = Note(parent_event_id="what the caller says")
    emit(None, note)
    finished = FlowFinishedEvent(flow_name="F")
    close_scope(scope, None, finished)
    after = Note()
    emit(None, after)
    assert [note.parent_event_id, finished.started_event_id] == [scope.event_id, scope.event_id]
    assert (finished.parent_event_id, after.parent_event_id) == (None, None)


@pytest.mark.parametrize("how", ["a listener", "a sink"])
def test_what_is_called_for_an_event_leaves_the_emitter_where_it_was(how: str) -> None:
    def opening(_source: Any, event: BaseEvent) -> None:
        if event.type != "tool_usage_started":
            emit(None, ToolUsageStartedEvent(tool_name="t", tool_args={}))

    def parents() -> list[bool]:
        scope = open_scope(None, FlowStartedEvent(flow_name="F"))
        notes = [Note(), Note()]
        for note in notes:
            emit(None, note)
        close_scope(scope, None, FlowFinishedEvent(flow_name="F"))
        emit(None, after := Note())
        return [*(note.parent_event_id == scope.event_id for note in notes), after.parent_event_id is None]

    def run() -> list[bool]:
        if how == "a sink":
            add_stream_sink(opening)
        else:
            event_bus.register_handler(BaseEvent, opening)
        return parents()

    with event_bus.scoped_handlers():
        assert contextvars.copy_context().run(run) == [True, True, True]


def test_scopes_in_two_tasks_do_not_see_each_other() -> None:
    async def check() -> list[bool]:
        both = asyncio.Barrier(2)
        parents = []

        async def work(name: str) -> None:
            scope = open_scope(None, FlowStartedEvent(flow_name=name))
            await both.wait()
            note = Note()
            emit(None, note)
            parents.append(note.parent_event_id == scope.event_id)
            await both.wait()
            close_scope(scope, None, FlowFinishedEvent(flow_name=name))

        await asyncio.gather(work("a"), work("b"))
        return parents

    assert asyncio.run(check()) == [True, True]


@pytest.fixture
def cancelled() -> Any:
    run = Run()
    token = scopes.enter(Scope("flow", None, ROOT, run, ()))
    run.cancel()
    yield
    scopes.reset(token)


@pytest.mark.usefixtures("cancelled")
def test_every_emit_of_a_cancelled_run_raises() -> None:
    for event in (
        Note(),
        MethodExecutionStartedEvent(flow_name="F", method_name="m"),
        FlowFinishedEvent(flow_name="F"),
    ):
        with pytest.raises(RunCancelled):
            emit(None, event)
    with pytest.raises(RunCancelled):
        asyncio.run(aemit(None, Note()))
    with pytest.raises(RunCancelled):
        emit_here(None, Note, {})


def test_what_nobody_sees_has_its_place_before_what_follows() -> None:
    first, second = Note(), Note()
    emit(None, first)
    emit_here(None, Note, {})
    emit(None, second)
    assert second.previous_event_id not in {None, first.event_id}


# What watches changes nothing (clause `error.observer-safe`).

FAILURES: dict[str, BaseException] = {
    "an error": ValueError("broken"),
    "an exit": SystemExit(3),
    "a generator's exit": GeneratorExit(),
    "a cancellation": asyncio.CancelledError(),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_sink_that_raises_changes_nothing(failure: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    def sink(_source: Any, _event: BaseEvent) -> None:
        raise failure

    class Talking(Flow):
        @start()
        def talk(self) -> str:
            emit(self, Note())
            return "done"

    token = add_stream_sink(sink)
    try:
        session = Talking().stream_events()
        types = [frame.type for frame in session]
    finally:
        reset_stream_sinks(token)
    assert (types[2], len(types), session.result) == ("note", 5, "done")
    assert {record.getMessage().rpartition(" ")[0] for record in caplog.records} == {"a stream sink failed on"}


@pytest.mark.parametrize("publish", [partial(emit, None), partial(open_scope, None)], ids=["emit", "a step"])
def test_an_interrupt_of_a_sink_reaches_the_emitter(publish: Callable[[BaseEvent], object]) -> None:
    def sink(_source: Any, _event: BaseEvent) -> None:
        raise KeyboardInterrupt

    def run() -> None:
        add_stream_sink(sink)
        with pytest.raises(KeyboardInterrupt):
            publish(FlowStartedEvent(flow_name="F"))

    contextvars.copy_context().run(run)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_handler_that_raises_changes_nothing_for_others(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def broken(_source: Any, _event: Note) -> None:
        raise failure

    with event_bus.scoped_handlers():
        event_bus.register_handler(Note, broken)
        event_bus.register_handler(Note, lambda _source, event: heard.append(event.type))
        frames = list(StreamSession(lambda: emit(None, Note())))
    assert ([frame.type for frame in frames], heard) == (["note"], ["note"])
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_an_encoder_that_exits_does_not_end_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def exits(event: BaseEvent) -> Any:
        monkeypatch.undo()
        raise SystemExit(3)

    def body() -> str:
        emit(None, Note(value=object()))
        emit(None, Note(value=2))
        return "done"

    monkeypatch.setattr("harness.frames.timeline.recorded", exits)
    session = StreamSession(body)
    assert [(frame.seq, frame.data["value"]) for frame in session] == [(1, 2)]
    assert (session.result, len(caplog.records)) == ("done", 1)


def test_a_run_that_is_cancelled_by_a_handler_stops_there() -> None:
    went_on: list[str] = []
    sessions: list[StreamSession[None]] = []

    def body() -> None:
        emit(None, Note())
        went_on.append("went on")
        emit(None, Note())

    with event_bus.scoped_handlers():
        event_bus.register_handler(Note, lambda _source, _event: sessions[0].close())
        sessions.append(StreamSession(body))
        frames = list(sessions[0])
    assert [frame.seq for frame in frames] == [1]
    assert (sessions[0].is_cancelled, went_on) == (True, ["went on"])


# The bus as an object.


def test_the_bus_object_emits_like_the_functions() -> None:
    heard: list[Any] = []
    with event_bus.scoped_handlers():
        event_bus.register_handler(Note, lambda source, event: heard.append((source, event)))
        first, second = Note(), Note()
        event_bus.emit("me", first)
        asyncio.run(event_bus.aemit("me", second))
    assert heard == [("me", first), ("me", second)]


def test_a_listener_registers_its_handlers_when_it_is_made() -> None:
    heard: list[str] = []

    class Listener(BaseEventListener):
        def setup_listeners(self, bus: EventBus) -> None:
            @bus.on(Note)
            def _(_source: Any, event: Note) -> None:
                heard.append(event.type)

    with event_bus.scoped_handlers():
        Listener()
        emit(None, Note())
    assert heard == ["note"]


def test_a_listener_without_handlers_says_what_is_missing() -> None:
    with pytest.raises(UsageError, match=r"BaseEventListener has no setup_listeners\(bus\)"):
        BaseEventListener()


# Scopes of sessions (clauses `scope.*`).


class Inner(Flow):
    @start()
    def inside(self) -> str:
        emit(self, Note(value="inner"))
        return "inner"


def test_an_outer_session_sees_what_an_inner_one_does_and_not_the_other_way_round() -> None:
    inner_types: list[str] = []

    class Outer(Flow):
        @start()
        def nests(self) -> None:
            emit(self, Note(value="outer"))
            inner_types.extend(frame.type for frame in Inner().stream_events())

    outer = list(Outer().stream_events())
    inner_whole = ["flow_started", "method_execution_started", "note", "method_execution_finished", "flow_finished"]
    assert inner_types == inner_whole
    assert [frame.seq for frame in outer] == list(range(1, 12))
    assert [frame.type for frame in outer][:4] == ["flow_started", "method_execution_started", "note", "flow_created"]
    assert [frame.type for frame in outer][4:9] == inner_whole
    assert outer[4].parent_id == outer[1].id
    assert outer[-1].data["started_event_id"] == outer[0].id


def test_concurrent_sessions_of_one_flow_object_see_only_their_own_frames() -> None:
    class Shared(Flow):
        both = threading.Barrier(4)

        @start()
        def work(self) -> None:
            for _ in range(20):
                self.both.wait(10)
                emit(self, Note(value=threading.get_ident()))

    flow = Shared()
    seen: list[tuple[int, int]] = []

    def read() -> None:
        frames = list(flow.stream_events())
        seen.append((len(frames), len({frame.data["value"] for frame in frames if frame.type == "note"})))

    in_threads(4, read)
    assert seen == [(24, 1)] * 4


@pytest.mark.parametrize("look_ahead", [None, 1])
def test_what_a_sink_publishes_of_an_event_comes_before_it_and_waits_for_no_reader(look_ahead: int | None) -> None:
    def answers(source: Any, event: BaseEvent) -> None:
        if event.type == "note":
            emit(source, BaseEvent(type="answer"))

    def body() -> None:
        for number in range(2):
            emit(None, Note(value=number))

    token = add_stream_sink(answers)
    try:
        session, frames = StreamSession(body, look_ahead=look_ahead), list[StreamFrame]()
        in_threads(1, contextvars.copy_context().run, frames.extend, session)
    finally:
        reset_stream_sinks(token)
    assert [frame.type for frame in frames] == ["answer", "note"] * 2
    places = {frame.id: frame.seq for frame in frames}
    linked = [(places[frame.previous_id], frame.seq) for frame in frames if frame.previous_id in places]
    assert linked
    assert all(earlier < later for earlier, later in linked)


class Asking:
    """Its text is not to be had before another thread has opened a scope."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.opened = threading.Event()

    def __repr__(self) -> str:
        self.asked.set()
        return f"waited in vain: {not self.opened.wait(20)}"


@pytest.mark.parametrize("when", ["where a step begins", "where it ends"])
def test_what_user_code_does_to_show_a_value_holds_up_no_scope(when: str) -> None:
    value = Asking()

    class Both(Flow):
        @start()
        def shows(self) -> Asking | None:
            if when == "where it ends":
                return value
            close_scope(open_scope(self, ToolUsageStartedEvent(tool_name="show", tool_args=value)), self, None)
            return None

        @start()
        def works(self) -> None:
            assert value.asked.wait(20)
            scope = open_scope(self, ToolUsageStartedEvent(tool_name="look", tool_args={}))
            value.opened.set()
            close_scope(scope, self, None)

    shown = [frame.data.get("result") or frame.data.get("tool_args") for frame in Both().stream_events()]
    assert "waited in vain: False" in str(shown)


class OnceBefore:
    """The gate of a scope, which has something done before it is passed for the first time."""

    def __init__(self, gate: Any, act: Callable[[], object]) -> None:
        self._gate = gate
        self._acts = [act]

    def __enter__(self) -> None:
        if self._acts:
            self._acts.pop()()
        self._gate.__enter__()

    def __exit__(self, *raised: object) -> None:
        self._gate.__exit__(*raised)


def test_what_is_emitted_where_a_scope_has_ended_belongs_to_the_one_around() -> None:
    outer = open_scope(None, FlowStartedEvent(flow_name="F"))
    inner = open_scope(None, FlowStartedEvent(flow_name="G"))
    left = contextvars.copy_context()
    close_scope(inner, None, None)
    left.run(emit, None, note := Note())
    close_scope(outer, None, None)
    assert note.parent_event_id == outer.event_id


@pytest.mark.parametrize("how", ["ends", "is cancelled"])
def test_a_step_that_begins_while_the_one_around(how: str) -> None:
    outer = open_scope(None, FlowStartedEvent(flow_name="F"))
    inner = open_scope(None, FlowStartedEvent(flow_name="G"), own_run=True)
    end = inner.run.cancel if how == "is cancelled" else partial(close_scope, inner, None, None)
    inner.gate = OnceBefore(inner.gate, partial(contextvars.copy_context().run, end))
    if how == "ends":
        assert open_scope(None, FlowStartedEvent(flow_name="H")).parent is outer
    else:
        with pytest.raises(RunCancelled):
            open_scope(None, FlowStartedEvent(flow_name="H"))
    scopes.enter(ROOT)


def test_two_ends_of_one_scope_that_come_together_are_both_frames_of_which_one_is_its_end() -> None:
    def end() -> None:
        emit(None, FlowFinishedEvent(flow_name="F"))

    def body() -> None:
        emit(None, FlowStartedEvent(flow_name="F"))
        scope = scopes.current_scope()
        scope.gate = OnceBefore(scope.gate, partial(contextvars.copy_context().run, end))
        end()
        emit(None, Note())

    frames = list(StreamSession(body))
    assert [frame.type for frame in frames] == ["flow_started", "flow_finished", "flow_finished", "note"]
    assert [frame.data.get("started_event_id") for frame in frames[1:3]] == [frames[0].id, None]
    assert [frame.previous_id for frame in frames] == [None, frames[0].id, frames[0].id, frames[2].id]
