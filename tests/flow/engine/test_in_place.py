"""Claims about runs in the calling thread: flows that need no loop have none, and nobody can tell by what they publish."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from harness.bus import event_bus
from harness.bus.running_loop import is_loop_running
from harness.events import BaseEvent
from harness.flow import Flow, FlowHook, FlowRun, and_, listen, router, start, with_hook
from tests.flow.graph.graphs import Note, hearing

_mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="unset")


class Chain(Flow):
    @start()
    def first(self) -> str:
        return self._marked("first")

    @listen(first)
    def second(self, heard: str) -> str:
        return self._marked("second")

    @router(second)
    def third(self) -> str:
        return self._marked("end")

    def _marked(self, name: str) -> str:
        before = _mark.get()
        _mark.set(name)
        event_bus.emit(self, Note())
        return f"{name} after {before}"


class Cycle(Flow):
    rounds: int = 0

    @start("again")
    def begin(self) -> int:
        self.rounds += 1
        return self.rounds

    @router(begin)
    def enough(self, rounds: int) -> str:
        event_bus.emit(self, Note())
        return "again" if rounds < 3 else "done"

    @listen("done")
    def close(self) -> int:
        return self.rounds


class Fan(Flow):
    @start()
    def split(self) -> None:
        event_bus.emit(self, Note())

    @listen(split)
    async def left(self) -> str:
        return "left"

    @listen(split)
    async def right(self) -> str:
        return "right"

    @listen(and_(left, right))
    def join(self) -> str:
        event_bus.emit(self, Note())
        return "joined"


class Nested(Flow):
    @start()
    def run_inner(self) -> Any:
        return Chain().kickoff()

    @listen(run_inner)
    def after(self, came: Any) -> Any:
        event_bus.emit(self, Note())
        return came


class Failing(Flow):
    @start()
    def begin(self) -> None:
        event_bus.emit(self, Note())

    @listen(begin)
    def fail(self) -> None:
        raise LookupError("no such berth")


def _heard(run: Callable[[], Any]) -> tuple[Any, list[tuple[Any, ...]]]:
    """Return what a run came to, and its events: what each is, and by number which others it names."""
    with hearing(BaseEvent) as heard:
        try:
            result: Any = run()
        except LookupError as error:
            result = repr(error)
    numbers = {event.event_id: number for number, event in enumerate(heard)}
    links = ("parent_event_id", "previous_event_id", "started_event_id", "triggered_by_event_id")
    fields = ("method_name", "params", "result", "error")
    return result, [
        (
            event.type,
            *(str(getattr(event, name, None)) for name in fields),
            *(numbers.get(getattr(event, link)) for link in links),
        )
        for event in heard
    ]


@pytest.mark.parametrize("cls", [Chain, Cycle, Fan, Nested, Failing])
def test_a_run_without_a_loop_publishes_just_what_one_in_a_loop_does(cls: type[Flow]) -> None:
    result, events = _heard(lambda: cls().kickoff())
    assert (result, events) == _heard(lambda: asyncio.run(cls().kickoff_async()))
    assert len(events) > 5


def test_sync_methods_one_after_the_other_work_in_the_calling_thread_without_a_loop_or_another_thread() -> None:
    places: list[object] = []

    class Where(Chain):
        @listen("end")
        def fourth(self) -> None:
            pass

        def _marked(self, name: str) -> str:
            places.append((threading.current_thread(), is_loop_running(), asyncio.run(asyncio.sleep(0, name))))
            return name

    before = set(threading.enumerate())
    Where().kickoff()
    here = threading.current_thread()
    assert places == [(here, False, "first"), (here, False, "second"), (here, False, "end")]
    assert set(threading.enumerate()) <= before


def test_a_session_of_sync_methods_has_a_thread_for_them_and_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    class Where(Chain):
        @listen("end")
        def fourth(self) -> str:
            return Chain().kickoff() or "inner"

        def _marked(self, name: str) -> str:
            names.append(threading.current_thread().name)
            return name

    def refuse() -> None:
        raise AssertionError("a loop was made")

    monkeypatch.setattr(asyncio, "new_event_loop", refuse)
    session = Where().stream_events()
    assert [frame.data["method_name"] for frame in session if frame.type == "method_execution_finished"] == [
        *("first", "second", "third"),
        *("first", "second", "third", "fourth"),
    ]
    assert names == ["harness-worker"] * 3


def test_what_a_method_sets_in_its_context_is_seen_by_no_other_and_not_by_the_caller() -> None:
    flow = Chain()
    flow.kickoff()
    assert flow.method_outputs == ["first after unset", "second after unset", "end after unset"]
    assert _mark.get() == "unset"


def test_flows_inside_of_one_another_are_as_deep_as_they_like() -> None:
    class Deep(Flow):
        left: int = 0

        @start()
        def descend(self) -> int:
            return 1 + Deep(left=self.left - 1).kickoff() if self.left else 1

    # More than there would be room for in one stack.
    assert Deep(left=99).kickoff() == 100


def test_a_flow_that_begins_itself_again_and_again_comes_to_an_end() -> None:
    class Again(Flow):
        @start()
        def first(self) -> Any:
            return self.kickoff()

    with pytest.raises(RecursionError, match=f"Again is run inside of {sys.getrecursionlimit()} others"):
        Again().kickoff()


@pytest.mark.parametrize("on", ["class", "method"])
def test_a_hook_of_somebody_elses_works_in_a_loop(on: str) -> None:
    seen: list[bool] = []

    class Looking(FlowHook):
        def before_flow(self, run: FlowRun) -> None:
            seen.append(is_loop_running())

        def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
            seen.append(is_loop_running())

    def begin(self: Any) -> None:
        seen.append(is_loop_running())

    method = with_hook(Looking())(start()(begin)) if on == "method" else start()(begin)
    cls = type("Hooked", (Flow,), {"begin": method})
    (with_hook(Looking())(cls) if on == "class" else cls)().kickoff()
    assert seen == [True, False, True]
