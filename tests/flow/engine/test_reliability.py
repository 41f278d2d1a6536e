"""Claims about many runs, long runs and runs that are cut off anywhere: each a short version, and a soak behind `slow`."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance.stage.census import Census, tasks_left
from conformance.stage.patience import comes_true
from conformance.stage.points import Stage
from conformance.stage.programs import Ask, Emit, FlowProgram, Method, Nest
from conformance.stage.server import ScriptedProvider
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.subject import Performance
from harness.bus import aemit, emit
from harness.errors import RunCancelled
from harness.events import BaseEvent, LLMStreamChunkEvent
from harness.flow import (
    CheckpointConfig,
    CheckpointProvider,
    Flow,
    FlowPersistence,
    JsonProvider,
    listen,
    persist,
    router,
    start,
)
from harness.workers import in_thread
from tests.flow.graph.graphs import TIMEOUT_S


class Whose(BaseEvent):
    type: str = "whose"
    number: int


class Own(Flow):
    """Says whose run it is, from a thread, from a coroutine and from both ends of a branch."""

    def note(self) -> int:
        number: int = self.state["number"]
        emit(self, Whose(number=number))
        return number

    @start()
    def blocking(self) -> int:
        return self.note()

    @start()
    async def awaiting(self) -> int:
        await aemit(self, Whose(number=self.state["number"]))
        return self.note()

    @listen(blocking)
    async def after(self, number: int) -> int:
        await asyncio.sleep(0)
        return self.note()


#: What a run of `Own` shows: the flow, three methods, and what they say.
FRAMES_OF_OWN = 2 + 2 * 3 + 4


def foreign(number: int, frames: list[Any], result: Any) -> str | None:
    """Return what is wrong with the frames of one run among many; None where nothing is."""
    numbers = {frame.data["number"] for frame in frames if frame.type == "whose"}
    seqs = [frame.seq for frame in frames]
    if numbers != {number} or result != number or seqs != list(range(1, FRAMES_OF_OWN + 1)):
        return f"run {number}: {numbers}, {result}, {seqs}"
    return None


@pytest.mark.parametrize("runs", [50, pytest.param(1_000, marks=pytest.mark.slow)])
def test_runs_side_by_side_in_a_loop_see_only_their_own_frames(runs: int) -> None:
    async def run(number: int) -> str | None:
        session = Own().astream({"number": number})
        frames = [frame async for frame in session]
        return foreign(number, frames, session.result)

    async def all_runs() -> list[str | None]:
        return await asyncio.gather(*(run(number) for number in range(runs)))

    assert [wrong for wrong in asyncio.run(all_runs()) if wrong] == []


@pytest.mark.parametrize("threads", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_runs_side_by_side_in_threads_see_only_their_own_frames(threads: int) -> None:
    together = threading.Barrier(threads)
    wrong: list[str | None] = []

    def run(number: int) -> None:
        together.wait(TIMEOUT_S)
        session = Own().stream_events({"number": number})
        frames = list(session)
        wrong.append(foreign(number, frames, session.result))

    started = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert wrong == [None] * threads


# Cut off anywhere.


def _everything(is_async: bool) -> FlowProgram:
    """Return a flow that calls models, runs another flow, and has branches."""
    inner = FlowProgram((Method("inside", (Emit("inner"), Ask()), is_async=is_async),), name="Inner")
    return FlowProgram(
        (
            Method("asks", (Ask(), Emit("asked")), is_async=is_async),
            Method("nests", (Nest(inner), Emit("nested")), is_async=not is_async),
            Method("joins", (Emit("joined"), Ask()), after=("asks", "nests"), joins="all", is_async=is_async),
        )
    )


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_closing_after_any_frame_leaves_nothing_behind(is_async: bool, every: int) -> None:
    subject = HarnessSubject()
    program = _everything(is_async)
    with ScriptedProvider(Stage()) as provider:

        def read(until: int) -> tuple[int, tuple[str, ...]]:
            """Return how many frames came, and what is left of a run that was closed after `until` of them."""
            # Each has a stage of its own: what a program notes there would be held by it.
            performance = Performance(Stage(), provider)
            census = Census(provider.port)
            ids: list[str] = []
            left: tuple[str, ...] = ()
            # The context of a test remembers what was emitted last in it.
            if is_async:

                async def consume() -> tuple[str, ...]:
                    session = subject.asession(program, performance)
                    async for frame in session:
                        ids.append(frame.id)
                        if len(ids) == until:
                            break
                    await session.aclose()
                    del session
                    task = asyncio.current_task()
                    return await tasks_left([task] if task is not None else [])

                left = asyncio.run(consume())
            else:
                session = subject.session(program, performance)
                for frame in session:
                    ids.append(frame.id)
                    if len(ids) == until:
                        break
                session.close()
                del session, frame
            performance.stage.notes.clear()
            # Looking for events that are still alive means looking at every object, so it is done for some.
            events = ids if until % 7 == 1 else ()
            return len(ids), (*left, *census.threads_left(TIMEOUT_S), *census.things_left(events))

        def apart(until: int) -> tuple[int, tuple[str, ...]]:
            return contextvars.Context().run(read, until)

        length, _ = apart(0)  # The first run imports, and makes what stays for all later ones.
        files = len(list(Path("/proc/self/fd").iterdir()))
        assert length > 20
        for until in range(1, length + 1, every):
            seen, left = apart(until)
            assert (seen, left) == (until, ()), until
        # The provider closes its side of the last connection in a thread of its own.
        waiter = threading.Event()
        assert comes_true(
            lambda seconds: len(list(Path("/proc/self/fd").iterdir())) <= files or waiter.wait(seconds), TIMEOUT_S
        )


# Long and many.


class Chunks(Flow):
    @start()
    def stream_them(self) -> None:
        for number in range(self.state["count"]):
            emit(self, LLMStreamChunkEvent(call_id="c", model="m", chunk=f"a piece of text {number}"))


@pytest.mark.parametrize("count", [3_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_what_is_unread_stays_within_the_look_ahead_and_memory_flat_without_retention(count: int) -> None:
    limit = 50
    session = Chunks().stream_events({"count": count}, look_ahead=limit, retain=False)
    most, early, late = 0, 0, 0
    tracemalloc.start()
    try:
        for frame in session:
            if frame.seq % (count // 300) == 0:
                # Those that are held are those that nobody has read yet; a reader that keeps up finds none at times.
                most = max(most, len(session.frames))
            if frame.seq == count // 5:
                early, _ = tracemalloc.get_traced_memory()
            elif frame.seq == count:
                late, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0 < most <= limit + 1
    assert late - early < 100_000


@pytest.mark.parametrize("runs", [60, pytest.param(10_000, marks=pytest.mark.slow)])
def test_memory_is_flat_over_many_runs(runs: int, tmp_path: Path) -> None:
    class Kept(FlowPersistence):
        def init_db(self) -> None: ...

        def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None: ...

        def load_state(self, flow_uuid: str) -> None: ...

    @persist(Kept())
    class Saved(Own):
        pass

    def run(number: int) -> None:
        list(Saved().stream_events({"number": number}))
        Own().kickoff({"number": number})

    def blocks() -> int:
        gc.collect()
        return sys.getallocatedblocks()

    for number in range(50):
        run(number)
    before = blocks()
    for number in range(runs):
        run(number)
    # A run that stays takes hundreds of blocks. Not counted in bytes: the interpreter makes large tables of its own anew
    # now and then, which look like something that was added.
    assert blocks() - before < 200 + runs // 10


# The exits.

EXITS: tuple[type[BaseException], ...] = (
    SystemExit,
    KeyboardInterrupt,
    asyncio.CancelledError,
    GeneratorExit,
    StopIteration,
)


class Steps(Flow):
    """Raises at the step that it is told."""

    def __init__(self, at: str, error: BaseException, **options: Any) -> None:
        super().__init__(**options)
        self.at, self.error = at, error

    def step(self, name: str) -> None:
        if self.at == name:
            raise self.error

    @start()
    def begins(self) -> None:
        self.step("a start in a thread")

    @start()
    async def begins_beside(self) -> None:
        self.step("a start in the loop")

    @listen(begins)
    async def listens(self) -> None:
        self.step("a listener")
        await in_thread(partial(self.step, "a thread of a coroutine"))

    @router(listens, emit=["on"])
    def routes(self) -> str:
        self.step("a router")
        return "on"

    @listen("on")
    def nests(self) -> None:
        if self.at == "a flow inside":
            Steps("a start in a thread", self.error).kickoff()
        elif self.at == "a session inside":
            list(Steps("a start in the loop", self.error).stream_events())

    @listen(nests)
    async def nests_beside(self) -> None:
        if self.at == "an awaited flow inside":
            await Steps("a listener", self.error).kickoff_async()


class Raising(FlowPersistence, CheckpointProvider):
    """Raises where a state, or a checkpoint, is to be written."""

    name = "Raising"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def init_db(self) -> None: ...

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
        raise self.error

    def load_state(self, flow_uuid: str) -> None:
        raise self.error

    def write(self, location: str, checkpoint: Any) -> str:
        raise self.error

    def read(self, where: str) -> Any:
        raise self.error

    newest, prune = JsonProvider.newest, JsonProvider.prune


@persist()
class Saves(Steps):
    """Saves its state after each method."""


def _checkpointed(error: BaseException) -> Flow:
    config = CheckpointConfig(provider=Raising(error), on_events=["method_execution_finished"])
    return Steps("", error, checkpoint=config)


STEPS: dict[str, Callable[[BaseException], Flow]] = {
    name: partial(Steps, name)
    for name in (
        "a start in a thread",
        "a start in the loop",
        "a listener",
        "a thread of a coroutine",
        "a router",
        "a flow inside",
        "a session inside",
        "an awaited flow inside",
    )
}
STEPS["the saving of a state"] = lambda error: Saves("", error, persistence=Raising(error))
STEPS["the writing of a checkpoint"] = _checkpointed


#: A checkpoint that can't be written is told of, and the run goes on, whatever exception it was; a StopIteration is one.
EXITS_AT_STEPS = [
    pytest.param(make, error_type, id=f"{error_type.__name__} at {name}")
    for name, make in STEPS.items()
    for error_type in EXITS
    if not (make is _checkpointed and error_type is StopIteration)
]


@pytest.mark.parametrize(("make", "error_type"), EXITS_AT_STEPS)
def test_an_exit_at_any_step_surfaces_as_itself(
    make: Callable[[BaseException], Flow], error_type: type[BaseException], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    error = error_type("out")

    async def read() -> None:
        async for _ in make(error).astream():
            pass

    ways: tuple[Callable[[], Any], ...] = (
        lambda: make(error).kickoff(),
        lambda: list(make(error).stream_events()),
        lambda: asyncio.run(read()),
    )
    for way in ways:
        with pytest.raises(BaseException) as caught:
            way()
        assert not isinstance(caught.value, RunCancelled)
        surfaced: BaseException | None = caught.value
        if error_type is StopIteration:
            # Python can't pass it on through an iterator or a coroutine; each that it comes through may wrap it once.
            while isinstance(surfaced, RuntimeError) and surfaced.__cause__ is not None:
                surfaced = surfaced.__cause__
        assert surfaced is error
