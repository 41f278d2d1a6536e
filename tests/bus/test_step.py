"""Claims about steps: what closes each, what its events say, and who is told nothing any more."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from harness.bus import add_stream_sink, emit, scope as scopes
from harness.bus.scope import ROOT, Limits, Run, Scope
from harness.bus.step import Step, StepEnds
from harness.errors import RunCancelled
from harness.events import (
    BaseEvent,
    MethodExecutionFailedEvent,
    MethodExecutionFinishedEvent,
    MethodExecutionPausedEvent,
    MethodExecutionStartedEvent,
    TaskCompletedEvent,
    TaskFailedEvent,
    TaskStartedEvent,
)
from tests.threads import TIMEOUT_S, in_threads

Way = Literal["with", "async with"]
WAYS: tuple[Way, ...] = ("with", "async with")
TASK = StepEnds(completed=TaskCompletedEvent, failed=TaskFailedEvent)
METHOD = StepEnds(
    completed=MethodExecutionFinishedEvent, failed=MethodExecutionFailedEvent, paused=MethodExecutionPausedEvent
)


class Note(BaseEvent):
    type: str = "note"


def task(name: str = "plan", **options: Any) -> Step:
    return Step(None, TaskStartedEvent(task=name), TASK, **options)


def method(**options: Any) -> Step:
    return Step(None, MethodExecutionStartedEvent(flow_name="F", method_name="m"), METHOD, **options)


def run_block(step: Step, block: Callable[[Step], object], way: Way) -> BaseException | None:
    """Run a block in a step, and return what left it."""

    async def arun() -> None:
        async with step:
            block(step)

    try:
        if way == "with":
            with step:
                block(step)
        else:
            arun().send(None)
    except StopIteration:
        return None
    except BaseException as error:
        return error
    return None


def heard(body: Callable[[], object]) -> list[BaseEvent]:
    """Return what `body` publishes, run in a context of its own."""
    events: list[BaseEvent] = []

    def listen() -> None:
        add_stream_sink(lambda _source, event: events.append(event))
        body()

    contextvars.copy_context().run(listen)
    return events


def lines(events: list[BaseEvent]) -> list[str]:
    """Return one line for each event: its type, its task, and the place of its parent."""
    places = {event.event_id: place for place, event in enumerate(events)}
    return [
        " ".join(
            filter(
                None,
                [event.type, getattr(event, "task", None), f"in {places.get(event.parent_event_id or '', 'none')}"],
            )
        )
        for event in events
    ]


def raises(error: BaseException) -> Callable[[Step], None]:
    def block(_step: Step) -> None:
        raise error

    return block


def says_then_raises(step: Step) -> None:
    step.complete(output="done")
    raise LookupError("broken")


def says_twice(step: Step) -> None:
    step.fail(LookupError("broken"))
    step.complete(output="done")


@dataclass(frozen=True)
class Block:
    """What a block does, and what comes of it."""

    does: Callable[[Step], object]
    #: The type of the event that closes its step, and fields that this alone has.
    ending: str | None
    fields: dict[str, Any] = field(default_factory=dict)
    make: Callable[[], Step] = task
    #: The class of what leaves the block.
    leaves: type[BaseException] | None = None


BROKEN = {"error": "broken", "error_type": "LookupError"}
BLOCKS: dict[str, Block] = {
    "says nothing": Block(lambda step: None, "task_completed", {"output": None}),
    "says how it completed": Block(lambda step: step.complete(output="done"), "task_completed", {"output": "done"}),
    "raises": Block(raises(LookupError("broken")), "task_failed", BROKEN, leaves=LookupError),
    "exits": Block(raises(SystemExit(3)), "task_failed", {"error": "3", "error_type": "SystemExit"}, leaves=SystemExit),
    "says that it failed": Block(lambda step: step.fail(LookupError("broken")), "task_failed", BROKEN),
    "says that it completed, and raises": Block(says_then_raises, "task_failed", BROKEN, leaves=LookupError),
    "says something else at last": Block(says_twice, "task_completed", {"output": "done"}),
    "pauses": Block(
        lambda step: step.pause(flow_id="f", message="ok?"),
        "method_execution_paused",
        {"method_name": "m", "flow_id": "f", "message": "ok?"},
        make=method,
    ),
    "abandons it": Block(
        lambda step: step.abandon("the plan changed"),
        "task_failed",
        {"error": "the plan changed", "error_type": "RunCancelled"},
    ),
    "leaves it to others": Block(lambda step: step.leave(), None),
    "closes it by itself": Block(lambda step: step.close(), "task_completed", {"output": None}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_a_block_that(block: Block, way: Way) -> None:
    left_by: list[BaseException | None] = []

    def body() -> None:
        left_by.append(run_block(block.make(), block.does, way))
        emit(None, Note())

    started, *ended, after = heard(body)
    assert [event.type for event in ended] == ([] if block.ending is None else [block.ending])
    for event in ended:
        assert {name: getattr(event, name) for name in block.fields} == block.fields
        assert event.started_event_id == started.event_id
    assert (None if left_by[0] is None else type(left_by[0])) is block.leaves
    assert after.parent_event_id is None, "what follows stands in the scope around"


def test_the_error_that_leaves_a_block_is_the_one_that_was_raised() -> None:
    for way in WAYS:
        error = LookupError("broken")
        assert run_block(task(), raises(error), way) is error


def test_an_ending_takes_over_what_the_started_event_was_given_and_nothing_that_is_its_own() -> None:
    started = TaskStartedEvent(task="plan", task_id="t1", triggered_by_event_id="e1", context="not in the ending")

    def body() -> None:
        with Step(None, started, TASK) as step:
            step.complete(output="done")

    _, ended = heard(body)
    assert (ended.task_id, ended.triggered_by_event_id, ended.model_dump()["task"]) == ("t1", "e1", "plan")
    assert ended.event_id != started.event_id
    assert ended.timestamp >= started.timestamp
    assert ended.model_fields_set == {"task", "task_id", "triggered_by_event_id", "output"}


def test_what_can_not_be_paused_says_so() -> None:
    with pytest.raises(TypeError, match="task_started has no event for a pause"):
        task().pause()


def test_a_step_that_was_not_opened_says_so() -> None:
    with pytest.raises(RuntimeError, match="task_started has not been opened"):
        task().close()


# One inside the other.


def test_the_end_of_a_step_first_ends_what_is_open_in_it_innermost_first() -> None:
    runs: list[Run] = []

    def body() -> None:
        with task("outer"):
            runs.append(task("middle", own_run=True).open().run)
            task("inner").open()

    events = heard(body)
    assert lines(events) == [
        "task_started outer in none",
        "task_started middle in 0",
        "task_started inner in 1",
        "task_failed inner in 1",
        "task_failed middle in 0",
        "task_completed outer in none",
    ]
    assert events[3].model_dump()["error"] == "the task around it ended first"
    assert [run.cancelled for run in runs] == [True]


def opens_by_an_event() -> None:
    emit(None, TaskStartedEvent(task="user's"))


def left_open_by_a_closed_step() -> None:
    with task("closed"):
        opens_by_an_event()


@pytest.mark.parametrize("stands", [opens_by_an_event, left_open_by_a_closed_step, lambda: add_stream_sink(print)])
def test_the_end_of_a_step_ends_what_stands_in_scopes_that_end_nothing(stands: Callable[[], object]) -> None:
    def body() -> None:
        with task("outer"):
            stands()
            task("inner").open()

    *_, failed, completed = heard(body)
    assert (failed.type, completed.type) == ("task_failed", "task_completed")
    assert failed.model_dump()["error"] == "the task around it ended first"


@pytest.mark.parametrize("is_held", [False, True])
def test_a_step_that_is_left_with_its_generator_does_not_wait_for_long_while_others_hold_the_gate(
    is_held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.bus.step._PATIENCE_S", 0.01)
    held, closed = threading.Event(), threading.Event()

    def pieces() -> Iterator[None]:
        with task("inner"):
            yield

    def hold(scope: Scope) -> None:
        with scope.gate:
            held.set()
            closed.wait(TIMEOUT_S)

    def body() -> None:
        with task("outer") as outer:
            generator: Any = pieces()
            next(generator)
            holder = threading.Thread(target=hold, args=(outer.scope,))
            if is_held:
                holder.start()
                held.wait(TIMEOUT_S)
            generator.close()
            closed.set()
            # Nor does anybody wait for this one after it.
            in_threads(1, hold, outer.scope)

    ended = heard(body)[2]
    assert (ended.type, ended.model_dump()["error_type"]) == (
        "task_failed",
        "RunCancelled" if is_held else "GeneratorExit",
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_quiet_step_says_nothing_and_holds_what_is_inside_all_the_same(way: Way) -> None:
    def block(_step: Step) -> None:
        emit(None, Note())
        task("inner").open()

    def body() -> None:
        with task("outer"):
            run_block(task("quiet", quiet=True), block, way)

    assert lines(heard(body)) == [
        "task_started outer in none",
        "note in 0",
        "task_started inner in 0",
        "task_failed inner in 0",
        "task_completed outer in none",
    ]


# Cancelled.

CANCELLED: dict[str, tuple[BaseException, type[BaseException]]] = {
    "an SDK's error": (ConnectionError("reset"), RunCancelled),
    "the cancelling itself": (RunCancelled(), RunCancelled),
    "a cancelled task": (asyncio.CancelledError(), asyncio.CancelledError),
    "an exit": (SystemExit(3), SystemExit),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("error", "surfaces"), CANCELLED.values(), ids=CANCELLED.keys())
def test_what_leaves_a_cancelled_step_is_not_published(
    error: BaseException, surfaces: type[BaseException], way: Way
) -> None:
    def block(step: Step) -> None:
        step.run.cancel()
        raise error

    left_by: list[BaseException | None] = []
    events = heard(lambda: left_by.append(run_block(task(own_run=True), block, way)))
    assert [event.type for event in events] == ["task_started"]
    assert type(left_by[0]) is surfaces


def test_a_run_around_counts_as_soon_as_it_is_marked() -> None:
    run = Run()

    def body() -> None:
        scopes.enter(Scope("session", None, ROOT, run, ()))
        outer = task("outer", own_run=True).open()
        inner = task("inner", own_run=True).open()
        assert not inner.is_cancelled
        # As while the callbacks that pass it on are still to be called.
        run.cancelled = True
        assert (outer.is_cancelled, inner.is_cancelled, inner.run.cancelled) == (True, True, False)

    contextvars.copy_context().run(body)


def test_a_step_in_a_cancelled_run_does_not_begin() -> None:
    run = Run()
    run.cancel()

    def body() -> None:
        scopes.enter(Scope("session", None, ROOT, run, ()))
        with pytest.raises(RunCancelled):
            task().open()

    contextvars.copy_context().run(body)


def test_the_run_of_a_step_that_has_ended_is_forgotten_by_the_run_around() -> None:
    around = Run()
    inside: list[Run] = []

    def body() -> None:
        scopes.enter(Scope("session", None, ROOT, around, ()))
        for block in (lambda step: None, raises(LookupError()), lambda step: step.leave()):
            step = task(own_run=True)
            run_block(step, block, "with")
            inside.append(step.run)

    contextvars.copy_context().run(body)
    around.cancel()
    assert [run.cancelled for run in inside] == [False, False, False]


class BrokenError(Exception):
    """One that can be referred to weakly."""


@pytest.mark.usefixtures("no_collector")
def test_a_step_that_failed_keeps_its_error_for_no_garbage_collector() -> None:
    left: list[weakref.ref[BaseException]] = []

    def broken(_step: Step) -> None:
        error = BrokenError()
        left.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    for way in WAYS:
        assert isinstance(run_block(method(), broken, way), BrokenError)
        assert left[-1]() is None


# Room in a look-ahead.


class Room:
    """A look-ahead that notes what it is asked."""

    loop = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def take(self) -> None:
        self.asked.append("take")

    def settle(self) -> None: ...

    async def room(self) -> None:
        self.asked.append("room")


ROOM: dict[str, tuple[Way, BaseException | None, list[str]]] = {
    "a sync block does not": ("with", None, ["take", "take"]),
    "an async block does, both times": ("async with", None, ["room", "take", "room", "take"]),
    "a failing one, too": ("async with", LookupError(), ["room", "take", "room", "take"]),
    "a cancelled one, not at its end": ("async with", asyncio.CancelledError(), ["room", "take", "take"]),
    "nor does one of a cancelled run": ("async with", RunCancelled(), ["room", "take"]),
}


@pytest.mark.parametrize(("way", "error", "asked"), ROOM.values(), ids=ROOM.keys())
def test_who_waits_for_room(way: Way, error: BaseException | None, asked: list[str]) -> None:
    room = Room()

    def block(step: Step) -> None:
        if isinstance(error, RunCancelled):
            step.run.cancel()
        if error is not None:
            raise error

    def body() -> None:
        scopes.enter(Scope("session", None, ROOT, Run(), (), Limits((room,))))
        run_block(task(), block, way)

    contextvars.copy_context().run(body)
    assert room.asked == asked
