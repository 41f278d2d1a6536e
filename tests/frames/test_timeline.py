"""Claims about the timeline: its states as a table, its order, its parents, its end, its cursors."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from harness.bus import add_stream_sink, emit, event_bus, reset_stream_sinks
from harness.bus.bus import close_scope, open_scope
from harness.bus.scope import ROOT, Run, Scope
from harness.errors import HarnessError, RunCancelled
from harness.events import (
    BaseEvent,
    FlowFinishedEvent,
    FlowStartedEvent,
    LLMCallCompletedEvent,
    LLMCallStartedEvent,
    MethodExecutionFinishedEvent,
    MethodExecutionStartedEvent,
    ToolUsageStartedEvent,
)
from harness.frames.states import ENDS, LEGAL, IllegalTransitionError, State
from harness.frames.timeline import Timeline
from harness.session.session import StreamSession

ACTIONS = ("start", "append", "seal", "return", "raise", "close", "drain")


class Note(BaseEvent):
    type: str = "note"
    n: int = 0
    items: list[str] = []


def running(*, retain: bool = True) -> tuple[Timeline, Scope]:
    """Return a timeline whose run has started, and the base scope of its session."""
    timeline = Timeline(threading.RLock(), retain=retain)
    assert timeline.start()
    base = Scope("session", None, ROOT, Run(), (timeline,))
    base.sink = timeline
    return timeline, base


def with_notes(count: int, *, retain: bool = True) -> Timeline:
    timeline, base = running(retain=retain)
    for n in range(count):
        timeline.accept(None, Note(n=n), base)
    return timeline


# The states.


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_every_action_in_every_state_is_in_the_table_or_refused(state: State, action: str) -> None:
    timeline = with_notes(2)
    timeline.state = state
    if (state, action) in LEGAL:
        timeline._move(action)
        assert timeline.state is LEGAL[state, action]
        return
    with pytest.raises(IllegalTransitionError) as caught:
        timeline._move(action)
    assert str(caught.value) == f"a timeline that is {state.value} can't {action} (after frame 2)"
    assert (timeline.state, isinstance(caught.value, HarnessError)) == (state, True)


def test_the_table_speaks_of_every_state_and_of_no_action_but_these() -> None:
    assert {state for state, _ in LEGAL} == set(State)
    assert {action for _, action in LEGAL} == set(ACTIONS)


def test_an_end_is_never_left() -> None:
    assert {(state, after) for (state, _), after in LEGAL.items() if state in ENDS and after is not state} == set()


def test_every_state_can_be_closed() -> None:
    assert {state for state in State if (state, "close") not in LEGAL} == set()


@pytest.mark.parametrize(
    ("act", "first", "second"),
    [
        (lambda timeline: timeline.start(), False, False),
        (lambda timeline: timeline.close(), True, False),
    ],
    ids=["start", "close"],
)
def test_a_second_time_changes_nothing(act: Any, first: bool, second: bool) -> None:
    timeline, _ = running()
    assert (act(timeline), act(timeline)) == (first, second)


def test_a_run_ends_once() -> None:
    timeline, _ = running()
    timeline.returned(1)
    with pytest.raises(IllegalTransitionError, match="that is returned can't raise"):
        timeline.raised(ValueError())
    assert timeline.value == 1


def test_what_a_closed_run_says_at_its_end_is_not_heard() -> None:
    timeline, _ = running()
    timeline.close()
    timeline.returned(1)
    timeline.raised(ValueError())
    assert (timeline.state, timeline.value, timeline.error) == (State.CANCELLED, None, None)


# The order.


def frames_of(body: Any) -> list[Any]:
    return list(StreamSession(body))


def method_in_flow() -> None:
    flow = open_scope(None, FlowStartedEvent(flow_name="F"))
    method = open_scope(None, MethodExecutionStartedEvent(flow_name="F", method_name="m"))
    emit(None, Note())
    close_scope(method, None, MethodExecutionFinishedEvent(flow_name="F", method_name="m"))
    emit(None, Note())
    close_scope(flow, None, FlowFinishedEvent(flow_name="F"))


def test_parents_are_the_scopes_that_are_open_and_ends_name_their_starts() -> None:
    frames = frames_of(method_in_flow)
    seq = {frame.id: frame.seq for frame in frames}
    told = [
        (frame.type.rpartition("_")[2], seq.get(frame.parent_id), seq.get(frame.data.get("started_event_id")))
        for frame in frames
    ]
    assert told == [
        ("started", None, None),
        ("started", 1, None),
        ("note", 2, None),
        ("finished", 1, 2),
        ("note", 1, None),
        ("finished", None, 1),
    ]


def test_previous_is_the_frame_before_in_one_line_of_execution() -> None:
    frames = frames_of(method_in_flow)
    assert [frame.previous_id for frame in frames] == [None, *[frame.id for frame in frames[:-1]]]


def test_the_first_frame_of_a_session_names_nothing_from_outside_it() -> None:
    emit(None, Note())
    outside = open_scope(None, FlowStartedEvent(flow_name="Outside"))
    frames = frames_of(method_in_flow)
    close_scope(outside, None, FlowFinishedEvent(flow_name="Outside"))
    assert (frames[0].parent_id, frames[0].previous_id) == (None, None)


@pytest.mark.parametrize("template", [Note(), Note(items=["a"])], ids=["unread", "validated"])
def test_events_that_are_made_of_one_by_changing_it_are_frames_of_ids_of_their_own(template: Note) -> None:
    changed = [template.model_copy(update={"n": n}) for n in range(2)]
    frames = frames_of(lambda: [emit(None, event) for event in (template, *changed)] and None)
    assert [frame.id for frame in frames] == [template.event_id, *(event.event_id for event in changed)]
    assert len({frame.id for frame in frames}) == 3


def test_what_user_code_emits_passes_unchanged() -> None:
    finished = FlowFinishedEvent(flow_name="Mine", result=1)

    def body() -> None:
        flow = open_scope(None, FlowStartedEvent(flow_name="F"))
        emit(None, finished)
        emit(None, Note(started_event_id="of my own"))
        emit(None, Note(n=2))
        close_scope(flow, None, FlowFinishedEvent(flow_name="F"))

    frames = frames_of(body)
    assert [frame.type for frame in frames] == ["flow_started", "flow_finished", "note", "note", "flow_finished"]
    assert [frame.data["started_event_id"] for frame in frames] == [None, None, "of my own", None, frames[0].id]
    assert {frame.parent_id for frame in frames[1:-1]} == {frames[0].id}


def test_a_scope_that_user_code_opens_and_closes_is_one_like_the_runtimes() -> None:
    def body() -> None:
        flow = open_scope(None, FlowStartedEvent(flow_name="F"))
        emit(None, LLMCallStartedEvent(call_id="c"))
        emit(None, ToolUsageStartedEvent(tool_name="t"))
        # Of what the user has opened, the nearest of its kind, though it is not the innermost.
        emit(None, LLMCallCompletedEvent(call_id="c"))
        emit(None, Note())
        close_scope(flow, None, FlowFinishedEvent(flow_name="F"))

    frames = frames_of(body)
    flow, call, tool = (frame.id for frame in frames[:3])
    assert [frame.parent_id for frame in frames] == [None, flow, call, flow, tool, None]
    assert frames[3].data["started_event_id"] == call


def test_a_started_event_that_is_emitted_again_opens_a_scope_of_its_own() -> None:
    started = LLMCallStartedEvent(call_id="c")

    def body() -> None:
        for _ in range(2):
            emit(None, started)
            emit(None, Note())
            emit(None, LLMCallCompletedEvent(call_id="c"))

    first, one, _, second, other, ended = frames_of(body)
    assert (one.parent_id, other.parent_id, ended.data["started_event_id"]) == (first.id, second.id, second.id)
    assert first.id != second.id


def test_user_code_in_an_inner_session_closes_nothing_around_it() -> None:
    def body() -> None:
        emit(None, LLMCallStartedEvent(call_id="c"))
        list(StreamSession(lambda: emit(None, LLMCallCompletedEvent(call_id="c"))))
        emit(None, Note())

    started, other, note = frames_of(body)
    assert (other.data["started_event_id"], note.parent_id) == (None, started.id)


def test_a_scope_that_user_code_opens_is_not_the_outermost_one_that_ends_a_timeline() -> None:
    def body() -> None:
        for _ in range(2):
            emit(source, LLMCallStartedEvent(call_id="c"))
            emit(source, LLMCallCompletedEvent(call_id="c"))

    source = object()
    assert len(list(StreamSession(body, source=source))) == 4


def test_user_code_cannot_close_a_scope_of_the_runtime() -> None:
    def body() -> None:
        call = open_scope(None, LLMCallStartedEvent(call_id="c"))
        emit(None, LLMCallCompletedEvent(call_id="c"))
        emit(None, Note())
        close_scope(call, None, LLMCallCompletedEvent(call_id="c"))

    frames = frames_of(body)
    assert [frame.data.get("started_event_id") for frame in frames] == [None, None, None, frames[0].id]
    assert frames[2].parent_id == frames[0].id


def test_an_event_whose_scope_ends_before_its_frame_is_there_belongs_to_the_one_around() -> None:
    """As where one thread closes a scope while another one emits in it."""
    scopes: list[Scope] = []

    def closing(_source: Any, event: BaseEvent) -> None:
        if event.type == "note":
            close_scope(scopes.pop(), None, LLMCallCompletedEvent(call_id="c"))

    def body() -> None:
        flow = open_scope(None, FlowStartedEvent(flow_name="F"))
        scopes.append(open_scope(None, LLMCallStartedEvent(call_id="c")))
        emit(None, Note())
        close_scope(flow, None, FlowFinishedEvent(flow_name="F"))

    token = add_stream_sink(closing)
    try:
        frames = frames_of(body)
    finally:
        reset_stream_sinks(token)
    types = ["flow_started", "llm_call_started", "llm_call_completed", "note", "flow_finished"]
    assert [frame.type for frame in frames] == types
    assert frames[3].parent_id == frames[0].id


def test_an_event_of_a_session_that_ends_before_its_frame_is_there_is_one_of_the_session_around() -> None:
    outer, inner = Timeline(threading.RLock()), Timeline(threading.RLock())
    around = Scope("session", None, ROOT, Run(), (outer,))
    base = Scope("session", None, around, Run(), (outer, inner))
    for timeline, scope in ((outer, around), (inner, base)):
        assert timeline.start()
        scope.sink = timeline
    base.is_open = False
    for sink in base.sinks:
        sink.accept(None, Note(), base)
    assert (outer.length, inner.length) == (1, 0)


def test_the_outermost_terminal_frame_is_the_last_whatever_is_emitted_later() -> None:
    heard: list[str] = []

    def handler(_source: Any, event: BaseEvent) -> None:
        if event.type == "flow_finished":
            emit(None, Note(n=1))
        heard.append(event.type)

    def body() -> None:
        method_in_flow()
        emit(None, Note(n=2))

    with event_bus.scoped_handlers():
        event_bus.register_handler(BaseEvent, handler)
        frames = frames_of(body)
    assert frames[-1].type == "flow_finished"
    assert heard[-3:] == ["note", "flow_finished", "note"]


def test_a_closed_timeline_takes_nothing_and_says_so_to_the_run() -> None:
    timeline, base = running()
    timeline.close()
    with pytest.raises(RunCancelled):
        timeline.accept(None, Note(), base)
    assert timeline.length == 0


# Cursors.


def test_whoever_waits_is_woken_once_by_the_next_frame() -> None:
    timeline, base = running()
    woken: list[str] = []
    assert timeline.when_changed(0, lambda: woken.append("woken"))
    timeline.accept(None, Note(), base)
    timeline.accept(None, Note(), base)
    assert woken == ["woken"]


@pytest.mark.parametrize("end", [lambda t: t.returned(1), lambda t: t.raised(ValueError()), lambda t: t.close()])
def test_whoever_waits_is_woken_by_the_end(end: Any) -> None:
    timeline, _ = running()
    woken: list[str] = []
    timeline.when_changed(0, lambda: woken.append("woken"))
    end(timeline)
    assert woken == ["woken"]
    assert not timeline.when_changed(0, lambda: None)


def test_nobody_waits_where_there_is_something_to_read() -> None:
    woken: list[str] = []
    assert not with_notes(1).when_changed(0, lambda: woken.append("woken"))
    assert woken == []


def test_who_no_longer_waits_is_not_woken() -> None:
    timeline, base = running()
    woken: list[str] = []

    def wake() -> None:
        woken.append("woken")

    timeline.when_changed(0, wake)
    timeline.forget_waker(wake)
    timeline.forget_waker(wake)
    timeline.accept(None, Note(), base)
    assert woken == []


def test_without_retention_a_frame_is_let_go_of_when_every_cursor_has_read_it() -> None:
    timeline = with_notes(3, retain=False)
    first, second = timeline.cursor(), timeline.cursor()
    held = []
    for cursor in (first, first, second, first, second, second):
        cursor.next_nowait()
        held.append([frame.seq for frame in timeline.frames])
    assert held == [[1, 2, 3], [1, 2, 3], [2, 3], [2, 3], [3], []]
    assert timeline.length == 3


def test_without_retention_a_cursor_that_left_holds_nothing_back() -> None:
    timeline = with_notes(3, retain=False)
    reader, idle = timeline.cursor(), timeline.cursor()
    idle.leave()
    idle.leave()
    reader.next_nowait()
    assert [frame.seq for frame in timeline.frames] == [2, 3]


def test_seqs_go_on_after_frames_have_been_let_go_of() -> None:
    timeline, base = running(retain=False)
    cursor = timeline.cursor()
    seqs = []
    for _ in range(3):
        timeline.accept(None, Note(), base)
        frame = cursor.next_nowait()
        seqs.append(frame and frame.seq)
    assert seqs == [1, 2, 3]
