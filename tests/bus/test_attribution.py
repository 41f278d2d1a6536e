"""Claims about threads that a run starts: by context first, by source where that is clear, else to none and said so."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from harness import workers
from harness.agents import Agent
from harness.bus import add_stream_sink, attribution, emit, reset_stream_sinks, scope as scopes
from harness.bus.attribution import UnattributedEventWarning
from harness.bus.bus import close_scope, open_scope
from harness.bus.scope import ROOT, Scope
from harness.crews import Crew, Task
from harness.events import BaseEvent, FlowFinishedEvent, FlowStartedEvent, MethodExecutionStartedEvent
from harness.flow import Flow, start
from harness.frames.frame import StreamFrame
from harness.llm import BaseLLM, Finish, LLMRequest, Part, TextDelta
from harness.session.session import StreamSession
from harness.workers import run_coroutine
from tests.threads import TIMEOUT_S, in_threads


class Note(BaseEvent):
    type: str = "note"


class Source:
    """Something that emits."""


in_thread = partial(in_threads, 1)


class Working(Flow):
    """Emits a note the way `how` says."""

    def __init__(self, how: Callable[[Any], None]) -> None:
        super().__init__()
        self.how = how

    @start()
    def work(self) -> None:
        self.how(self)


def by_context(flow: Any) -> None:
    context = contextvars.copy_context()
    in_thread(lambda: context.run(emit, None, Note()))


def by_source(flow: Any) -> None:
    in_thread(lambda: emit(flow, Note()))


def by_source_beside_a_sink(flow: Any) -> None:
    heard: list[Any] = []

    def work() -> None:
        token = add_stream_sink(lambda _source, event: heard.append(event))
        emit(flow, Note())
        reset_stream_sinks(token)

    in_thread(work)
    assert [event.type for event in heard] == ["note"]


def by_executor(flow: Any) -> None:
    with ThreadPoolExecutor(1) as executor:
        executor.submit(emit, flow, Note()).result(TIMEOUT_S)


def notes(frames: list[StreamFrame]) -> list[StreamFrame]:
    return [frame for frame in frames if frame.type == "note"]


WAYS: dict[str, tuple[Callable[[Any], None], int]] = {
    "with a copied context belongs where that was copied": (by_context, 1),
    "with a known source belongs to the flow": (by_source, 0),
    "with a known source, whose sink is told too, belongs to the flow": (by_source_beside_a_sink, 0),
    "of an executor, with a known source, belongs to the flow": (by_executor, 0),
}


@pytest.mark.parametrize(("how", "parent"), WAYS.values(), ids=WAYS.keys())
def test_an_event_from_a_thread(how: Callable[[Any], None], parent: int) -> None:
    frames = list(Working(how).stream_events())
    assert [frame.parent_id for frame in notes(frames)] == [frames[parent].id]
    assert [frame.seq for frame in frames] == [1, 2, 3, 4, 5]


def test_a_sink_around_a_session_hears_once_what_is_emitted_beside_it_for_that_by_its_source() -> None:
    going, done, heard = threading.Event(), threading.Event(), list[BaseEvent]()

    def waits(_flow: Any) -> None:
        going.set()
        done.wait(TIMEOUT_S)

    token = add_stream_sink(lambda _source, event: heard.append(event))
    flow = Working(waits)
    session = flow.stream_events()
    reader = iter(session)
    next(reader)
    going.wait(TIMEOUT_S)
    emit(flow, Note())
    done.set()
    assert len(notes([*session])) == 1
    reset_stream_sinks(token)
    assert [event.type for event in heard].count("note") == 1


def test_an_event_of_a_source_names_none_before_it_that_its_session_has_not() -> None:
    def strays(flow: Any) -> None:
        for source in (None, flow, flow, None, flow):
            emit(source, Note())

    def in_a_thread(flow: Any) -> None:
        with pytest.warns(UnattributedEventWarning):
            in_thread(lambda: strays(flow))

    frames = list(Working(in_a_thread).stream_events())
    first, second, third = notes(frames)
    assert [frame.previous_id for frame in (first, second, third)] == [None, first.id, None]


def test_an_event_from_a_thread_belongs_to_the_session_in_which_its_source_has_opened_a_scope() -> None:
    source = Source()

    def body() -> None:
        flow = open_scope(source, FlowStartedEvent(flow_name="F"))
        in_thread(lambda: emit(source, Note()))
        close_scope(flow, source, None)

    started, note = StreamSession(body)
    assert (note.type, note.parent_id) == ("note", started.id)


@pytest.mark.parametrize("source", [None, Source()], ids=["no source", "a source of no session"])
def test_an_event_that_nobody_can_place_goes_to_no_session_with_a_warning(source: Any) -> None:
    def stray(_flow: Any) -> None:
        with pytest.warns(UnattributedEventWarning, match=r"no open session could be meant.*copy_context"):
            in_thread(lambda: emit(source, Note()))

    assert notes(list(Working(stray).stream_events())) == []


def test_no_source_is_nobodys_source_though_a_session_has_none() -> None:
    def body() -> None:
        flow = open_scope(None, FlowStartedEvent(flow_name="F"))
        with pytest.warns(UnattributedEventWarning):
            in_thread(lambda: emit(None, Note()))
        close_scope(flow, None, FlowFinishedEvent(flow_name="F"))

    assert notes(list(StreamSession(body))) == []


def test_an_event_of_a_source_that_two_open_sessions_have_goes_to_none_with_a_warning() -> None:
    source = Source()
    all_three = threading.Barrier(3)

    def body() -> None:
        all_three.wait(TIMEOUT_S)
        all_three.wait(TIMEOUT_S)

    first, second = (StreamSession(body, source=source) for _ in range(2))
    readers = [threading.Thread(target=lambda session=session: list(session)) for session in (first, second)]
    for reader in readers:
        reader.start()
    all_three.wait(TIMEOUT_S)
    with pytest.warns(UnattributedEventWarning, match="2 open sessions could be meant"):
        in_thread(lambda: emit(source, Note()))
    all_three.wait(TIMEOUT_S)
    for reader in readers:
        reader.join(TIMEOUT_S)
    assert (first.frames, second.frames) == ([], [])


class Shared(BaseLLM):
    """Greets whom it is told to, and does in the middle of that what there is to do."""

    def __init__(self, midway: dict[str, Callable[[], object]]) -> None:
        super().__init__("shared-1")
        self.midway = midway

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        name = str(request.messages[-1].content)
        yield TextDelta("Hello, ")
        self.midway[name]()
        yield TextDelta(name)
        yield Finish("stop")


class SharedOwn(Shared):
    """Does so with a `call` of its own."""

    def call(self, messages: Any, *args: Any, **options: Any) -> Any:
        self._emit_call_started_event([{"role": "user", "content": messages}])
        self._emit_stream_chunk_event("Hello, ")
        self.midway[messages]()
        self._emit_call_completed_event(f"Hello, {messages}", "llm_call")
        return f"Hello, {messages}"


def call_in_a_thread_of_a_thread(llm: BaseLLM) -> Any:
    return run_coroutine(
        lambda: workers.in_thread(lambda: run_coroutine(lambda: workers.in_thread(lambda: llm.call("Bob"))))
    )


CALLS: dict[str, Callable[[BaseLLM], Any]] = {
    "call": lambda llm: llm.call("Bob"),
    "acall": lambda llm: asyncio.run(llm.acall("Bob")),
    "call in a thread of a thread": call_in_a_thread_of_a_thread,
}


@pytest.mark.filterwarnings("ignore::harness.bus.attribution.UnattributedEventWarning")
@pytest.mark.parametrize("kind", [Shared, SharedOwn])
@pytest.mark.parametrize("is_here", [True, False], ids=["here", "in a thread of before"])
@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS.keys())
def test_a_call_of_somebody_else_with_the_same_llm_is_not_shown_in_a_session_and_does_not_end_with_it(
    kind: type[Shared], is_here: bool, ask: Callable[[BaseLLM], Any]
) -> None:
    ready, answers = threading.Event(), []
    llm = kind({"Ann": lambda: ready.wait(TIMEOUT_S), "Bob": lambda: session.close()})
    session = llm.stream_events("Ann")

    def call() -> None:
        answers.append(ask(llm))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(threading.current_thread).result()
        next(iter(session))
        if is_here:
            call()
        else:
            pool.submit(call).result(TIMEOUT_S)
    ready.set()
    assert answers == ["Hello, Bob"]
    started = [frame for frame in session.frames if frame.type == "llm_call_started"]
    assert [frame.data["messages"][-1]["content"] for frame in started] == ["Ann"]


@pytest.mark.filterwarnings("ignore::harness.bus.attribution.UnattributedEventWarning")
@pytest.mark.parametrize("kind", [Shared, SharedOwn])
@pytest.mark.parametrize("is_first", [True, False], ids=["at once", "after a call of another LLM"])
@pytest.mark.parametrize("loops", [False, True], ids=["call", "acall"])
def test_a_call_in_a_thread_that_the_run_starts_is_part_of_it(kind: type[Shared], is_first: bool, loops: bool) -> None:
    def call() -> None:
        if not is_first:
            kind({"Eve": lambda: None}).call("Eve")
        if loops:
            asyncio.run(llm.acall("Bob"))
        else:
            llm.call("Bob")

    llm = kind({"Ann": lambda: in_thread(call), "Bob": lambda: None})
    frames = [frame for frame in llm.stream_events("Ann") if frame.type == "llm_call_started"]
    assert [frame.data["messages"][-1]["content"] for frame in frames] == ["Ann", "Bob"]
    # A scope that a `call` of its own opens takes in nothing of other threads.
    assert frames[1].parent_id == (frames[0].id if kind is Shared else None)


@pytest.mark.filterwarnings("ignore::harness.bus.attribution.UnattributedEventWarning")
@pytest.mark.parametrize(
    ("kind", "how"),
    [(Shared, "done"), (SharedOwn, "done"), (Shared, "closed"), (SharedOwn, "closed"), (Shared, "cut")],
)
def test_a_thread_of_a_pool_stands_in_a_session_only_while_it_works_for_it(kind: type[Shared], how: str) -> None:
    seen: list[Any] = []
    asked = threading.Event()

    def end() -> None:
        if how != "done":
            session.close()
        if how == "cut":
            raise ConnectionError("reset")

    others = kind({"Eve": lambda: None})

    def ask() -> None:
        pool.submit(llm.call, "Bob").exception(TIMEOUT_S)
        seen.append(pool.submit(scopes.current.get).result(TIMEOUT_S))
        seen.append(pool.submit(others.call, "Eve").result(TIMEOUT_S))
        asked.set()

    llm = kind({"Ann": ask, "Bob": end})
    with ThreadPoolExecutor(1) as pool:
        session = llm.stream_events("Ann")
        frames = [*session]
        assert asked.wait(TIMEOUT_S)
    started = [frame for frame in frames if frame.type == "llm_call_started"]
    assert [frame.data["messages"][-1]["content"] for frame in started] == ["Ann", "Bob"]
    assert seen == [ROOT, "Hello, Eve"]


def test_a_thread_whose_step_another_one_has_ended_stands_in_no_session_any_more() -> None:
    source, opened, ended = Source(), threading.Event(), threading.Event()

    def work() -> Scope:
        step = open_scope(source, FlowStartedEvent(flow_name="inner"), abandon=lambda _reason: None)
        opened.set()
        ended.wait(TIMEOUT_S)
        close_scope(step, source, FlowFinishedEvent(flow_name="inner"))
        return scopes.current.get()

    def body() -> Scope:
        outer = open_scope(source, MethodExecutionStartedEvent(flow_name="F", method_name="m"))
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(work)
            opened.wait(TIMEOUT_S)
            close_scope(outer, source, None)
            ended.set()
            return working.result(TIMEOUT_S)

    session = StreamSession(body, source=source)
    assert len(list(session)) == 2
    assert session.result is ROOT


def asking(llm: BaseLLM) -> Flow:
    class Asks(Flow):
        @start()
        def greet(self) -> Any:
            return llm.call(self.state["whom"])

    return Asks()


def greeter(llm: BaseLLM) -> Agent:
    return Agent(role="Greeter", goal="Greet.", backstory="Polite.", llm=llm)


def greeters(llm: BaseLLM) -> Crew:
    return Crew(agents=[], tasks=[Task(description="{whom}", expected_output="", agent=greeter(llm))])


#: What has runs of its own, of an LLM, and what such a run is told to greet somebody.
RUNNERS: dict[str, tuple[Callable[[BaseLLM], Any], Callable[[str], Any]]] = {
    "flow": (asking, lambda name: {"whom": name}),
    "agent": (greeter, lambda name: name),
    "crew": (greeters, lambda name: {"whom": name}),
}


@pytest.mark.filterwarnings("ignore::harness.bus.attribution.UnattributedEventWarning")
@pytest.mark.parametrize(("make", "told"), RUNNERS.values(), ids=RUNNERS.keys())
def test_a_run_that_somebody_else_begins_of_what_a_session_runs_is_not_shown_there(
    make: Callable[[BaseLLM], Any], told: Callable[[str], Any]
) -> None:
    def of_another() -> None:
        in_thread(lambda: runner.kickoff(told("Bob")))

    runner = make(Shared({"Ann": of_another, "Bob": lambda: None}))
    frames = list(StreamSession(lambda: runner.kickoff(told("Ann")), source=runner))
    assert "".join(frame.content for frame in frames) == "Hello, Ann"
    assert len([frame for frame in frames if frame.type == "llm_call_started"]) == 1


@pytest.mark.parametrize(("make", "told"), RUNNERS.values(), ids=RUNNERS.keys())
def test_a_run_that_begins_in_a_thread_of_its_sessions_is_shown_there(
    make: Callable[[BaseLLM], Any], told: Callable[[str], Any]
) -> None:
    runner = make(Shared({"Ann": lambda: None}))
    frames = list(StreamSession(lambda: in_thread(lambda: runner.kickoff(told("Ann"))), source=runner))
    assert "".join(frame.content for frame in frames) == "Hello, Ann"
    assert frames[0].type in {"flow_started", "agent_execution_started", "crew_kickoff_started"}
    assert frames[-1].data["started_event_id"] == frames[0].id


@pytest.mark.filterwarnings("ignore::harness.bus.attribution.UnattributedEventWarning")
def test_a_call_of_work_that_outlived_its_session_is_part_of_no_other() -> None:
    left: list[contextvars.Context] = []
    list(StreamSession(lambda: left.append(contextvars.copy_context())))
    llm = Shared({"Ann": lambda: in_thread(lambda: left[0].run(llm.call, "Bob")), "Bob": lambda: None})
    started = [frame for frame in llm.stream_events("Ann") if frame.type == "llm_call_started"]
    assert [frame.data["messages"][-1]["content"] for frame in started] == ["Ann"]


def test_the_main_thread_outside_of_sessions_emits_without_a_warning() -> None:
    gate = threading.Event()
    session = StreamSession(lambda: gate.wait(TIMEOUT_S), source=Source())
    reader = threading.Thread(target=lambda: list(session))
    reader.start()
    emit(Source(), Note())
    # Which works in a thread of ours.
    assert asyncio.run(SharedOwn({"Bob": lambda: None}).acall("Bob")) == "Hello, Bob"
    gate.set()
    reader.join(TIMEOUT_S)
    assert session.frames == []


def test_a_session_that_ended_is_forgotten_with_its_source() -> None:
    source = Source()
    list(StreamSession(lambda: None, source=source))
    for thread in threading.enumerate():
        if thread.name == "harness-run":
            thread.join(TIMEOUT_S)
    ref = weakref.ref(source)
    del source
    gc.collect()
    assert ref() is None
    assert attribution._by_source == {}
