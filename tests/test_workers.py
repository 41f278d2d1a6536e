"""Claims about threads and loops of a run: what surfaces, what is waited for, and what is not."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from harness.bus import scope as scopes
from harness.bus.running_loop import is_loop_running
from harness.bus.scope import Run, Scope
from harness.errors import RunCancelled
from harness.workers import Threads, in_thread, outcome_in_thread, require_loop, run_coroutine, run_until_loop
from tests.programs import run_program

_TIMEOUT_S = 10.0
_mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="unset")

ERRORS: tuple[type[BaseException], ...] = (
    ValueError,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
    StopAsyncIteration,
    asyncio.CancelledError,
    RunCancelled,
)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Blocks user code until the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def run() -> Iterator[Run]:
    """The run that the test's context works for."""
    run = Run()
    token = scopes.enter(Scope("test", None, scopes.ROOT, run, ()))
    yield run
    scopes.reset(token)


def raiser(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


async def _raise(error: BaseException) -> None:
    raise error


async def _raise_in_loop(error: BaseException) -> None:
    await require_loop()
    raise error


async def _raise_in_helper_thread(error: BaseException) -> None:
    run_coroutine(partial(_raise, error))


RAISING: dict[str, Callable[[BaseException], object]] = {
    "a thread": lambda error: run_coroutine(lambda: in_thread(raiser(error))),
    "an executor": lambda error: run_coroutine(lambda: asyncio.to_thread(raiser(error))),
    "without a loop": lambda error: run_until_loop(partial(_raise, error)),
    "in a loop": lambda error: run_until_loop(partial(_raise_in_loop, error)),
}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("raising", RAISING.values(), ids=RAISING.keys())
def test_what_is_raised_is_the_same_object(
    raising: Callable[[BaseException], object], kind: type[BaseException]
) -> None:
    error = kind("told")
    with pytest.raises(kind) as caught:
        raising(error)
    assert caught.value is error


def test_what_a_helper_thread_beside_a_loop_raises_is_the_same_object() -> None:
    error = SystemExit(3)
    with pytest.raises(SystemExit) as caught:
        run_coroutine(partial(_raise_in_helper_thread, error))
    assert caught.value is error


def test_stop_iteration_of_a_thread_surfaces_as_a_runtime_error_with_that_cause() -> None:
    error = StopIteration("told")

    with pytest.raises(RuntimeError) as caught:
        run_coroutine(lambda: in_thread(raiser(error)))
    assert caught.value.__cause__ is error


def test_a_thread_works_in_a_copy_of_the_context() -> None:
    def work() -> str:
        seen = _mark.get()
        _mark.set("inside")
        return seen

    async def wait() -> tuple[str, str]:
        _mark.set("outside")
        return await in_thread(work), _mark.get()

    assert run_coroutine(wait) == ("outside", "outside")


def test_cancelling_the_waiting_task_returns_while_the_thread_still_blocks(gate: threading.Event) -> None:
    async def wait() -> bool:
        loop = asyncio.get_running_loop()
        begun = asyncio.Event()

        def block() -> None:
            loop.call_soon_threadsafe(begun.set)
            gate.wait(_TIMEOUT_S)

        task = asyncio.create_task(in_thread(block))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled() and not gate.is_set()

    assert asyncio.run(wait())


def test_a_coroutine_runs_in_the_calling_thread_where_no_loop_runs() -> None:
    async def where() -> int:
        return threading.get_ident()

    assert run_coroutine(where) == threading.get_ident()


@pytest.mark.asyncio
async def test_a_coroutine_runs_in_a_helper_thread_with_the_context_where_a_loop_runs() -> None:
    async def where() -> tuple[int, str]:
        return threading.get_ident(), _mark.get()

    _mark.set("caller")
    thread, mark = run_coroutine(where)
    assert (thread != threading.get_ident(), mark) == (True, "caller")


def test_cancelling_the_run_from_another_thread_ends_the_coroutine(run: Run) -> None:
    cleaned = threading.Event()

    async def wait() -> None:
        threading.Thread(target=run.cancel).start()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    with pytest.raises(RunCancelled):
        run_coroutine(wait)
    assert cleaned.is_set()


@pytest.mark.parametrize("runs", [run_coroutine, run_until_loop], ids=lambda runs: runs.__name__)
def test_a_coroutine_of_a_cancelled_run_never_begins(runs: Callable[[Any], object], run: Run) -> None:
    async def begin() -> None:
        pytest.fail("it began")

    run.cancel()
    with pytest.raises(RunCancelled):
        runs(begin)


def test_a_finished_coroutine_leaves_nothing_at_its_run(run: Run) -> None:
    async def nothing() -> None:
        return None

    run_coroutine(nothing)
    assert run._callbacks == {}


def test_a_loop_ends_while_a_function_in_its_executor_still_blocks(gate: threading.Event) -> None:
    begun = threading.Event()

    def block() -> None:
        begun.set()
        gate.wait(_TIMEOUT_S)

    async def leave() -> bool:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, block)
        await asyncio.to_thread(begun.wait, _TIMEOUT_S)
        return not gate.is_set()

    assert run_coroutine(leave)
    assert not gate.is_set()


def test_to_thread_works_for_more_calls_than_there_are_threads() -> None:
    async def square(number: int) -> int:
        return await asyncio.to_thread(pow, number, 2)

    async def squares() -> list[int]:
        return await asyncio.gather(*[square(number) for number in range(100)])

    assert run_coroutine(squares) == [number**2 for number in range(100)]


def test_a_task_left_behind_is_cancelled_and_cleans_up() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    async def leave() -> None:
        asyncio.get_running_loop().left = asyncio.ensure_future(forever())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    run_coroutine(leave)
    assert ended == ["cleaned up"]


@pytest.mark.parametrize("call", ["in_thread", "asyncio.to_thread"])
def test_the_interpreter_exits_while_a_function_blocks(call: str) -> None:
    program = f"""
import asyncio, threading
from harness.workers import in_thread, run_coroutine
begun = threading.Event()
def block():
    begun.set()
    threading.Event().wait()
async def work():
    async def stuck():
        await {call}(block)
    task = asyncio.ensure_future(stuck())
    while not begun.is_set():
        await asyncio.sleep(0)
run_coroutine(work)
print("left")
"""
    assert run_program(program) == (0, "left\n", "")


# Threads that are lent and given back.


async def _lent(threads: Threads, function: Callable[[], object]) -> object:
    return (await outcome_in_thread(function, threads)).unwrap()


def test_a_thread_takes_on_the_next_call_once_it_has_done_one_in_a_context_of_its_own() -> None:
    def work() -> tuple[int, str]:
        found = _mark.get()
        _mark.set("marked")
        return threading.get_ident(), found

    async def three_times() -> list[Any]:
        threads = Threads()
        done = [await _lent(threads, work) for _ in range(3)]
        threads.close()
        return done

    (thread, mark), *others = asyncio.run(three_times())
    assert (others, mark) == ([(thread, mark)] * 2, "unset")


def test_calls_begin_in_their_order_whichever_thread_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[threading.Thread] = []

    class Held(threading.Thread):
        def start(self) -> None:
            held.append(self)

    began: list[int] = []
    done = threading.Semaphore(0)

    def call(number: int) -> Callable[[], Callable[[], None]]:
        def work() -> Callable[[], None]:
            began.append(number)
            return done.release

        return work

    threads = Threads()
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", Held)
        for number in range(3):
            threads.start(call(number))
    for thread in reversed(held):
        threading.Thread.start(thread)
        assert done.acquire(timeout=10)
    threads.close()
    assert began == [0, 1, 2]


def test_a_call_never_waits_for_one_before_it(gate: threading.Event) -> None:
    both = threading.Barrier(2)

    async def at_once() -> object:
        threads = Threads()
        blocked = asyncio.create_task(_lent(threads, lambda: gate.wait(_TIMEOUT_S)))
        await asyncio.gather(*[_lent(threads, lambda: both.wait(_TIMEOUT_S)) for _ in range(2)])
        gate.set()
        await blocked
        threads.close()
        return True

    assert asyncio.run(at_once())


def test_a_call_waits_for_one_before_it_where_there_are_as_many_threads_as_there_may_be(gate: threading.Event) -> None:
    began: list[int] = []

    def work(number: int) -> None:
        began.append(number)
        gate.wait(_TIMEOUT_S)

    async def at_once() -> None:
        threads = Threads(most=2)
        calls = [asyncio.create_task(_lent(threads, partial(work, number))) for number in range(3)]
        while len(began) < 2:
            await asyncio.sleep(0)
        assert threads._started == 2
        gate.set()
        await asyncio.gather(*calls)
        threads.close()

    asyncio.run(at_once())
    assert sorted(began) == [0, 1, 2]


def test_after_the_close_every_thread_ends_once_its_call_has(gate: threading.Event) -> None:
    found: list[threading.Thread] = []

    def note(event: threading.Event | None) -> None:
        found.append(threading.current_thread())
        if event is not None:
            event.wait(_TIMEOUT_S)

    async def close_while_one_works() -> None:
        threads = Threads()
        working = asyncio.create_task(_lent(threads, lambda: note(gate)))
        await _lent(threads, lambda: note(None))
        threads.close()
        gate.set()
        await working

    asyncio.run(close_while_one_works())
    for thread in found:
        thread.join(_TIMEOUT_S)
    assert [thread.is_alive() for thread in found] == [False, False]


# What waits for nothing needs no loop.


def _without_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("a loop was made")

    monkeypatch.setattr(asyncio, "new_event_loop", refuse)


def test_what_asks_for_no_loop_is_worked_off_in_this_thread_in_a_context_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> int:
        _mark.set("inside")
        return (await outcome_in_thread(threading.get_ident, Threads(are_spared=True))).unwrap()

    _without_loops(monkeypatch)
    assert run_until_loop(work) == threading.get_ident()
    assert _mark.get() == "unset"


class BrokenError(Exception):
    """One that can be referred to weakly."""


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("run_it", [run_coroutine, run_until_loop])
def test_what_it_raises_is_kept_for_no_garbage_collector(run_it: Callable[..., object]) -> None:
    left: list[weakref.ref[BaseException]] = []

    async def fail() -> None:
        error = BrokenError()
        left.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    with contextlib.suppress(BrokenError):
        run_it(fail)
    assert left[0]() is None


def test_what_asks_for_a_loop_goes_on_in_one_where_it_was_in_the_same_context() -> None:
    steps: list[object] = []

    async def inner() -> str:
        _mark.set("inside")
        steps.append(is_loop_running())
        await require_loop()
        steps.append(is_loop_running())
        return _mark.get()

    async def work() -> str:
        mark = await inner()
        return mark + await asyncio.create_task(asyncio.sleep(0, " and in a task"))

    assert run_until_loop(work) == "inside and in a task"
    assert steps == [False, True]
    assert _mark.get() == "unset"


def test_what_can_be_cancelled_blocks_in_a_thread_and_ends_at_once(
    run: Run, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_loops(monkeypatch)
    threads, begun, ended = Threads(), threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        gate.wait(_TIMEOUT_S)
        ended.set()

    def cancel() -> None:
        begun.wait(_TIMEOUT_S)
        run.cancel()

    async def work() -> object:
        here = (await outcome_in_thread(threading.get_ident, threads)).unwrap()
        assert here != threading.get_ident()
        threading.Thread(target=cancel).start()
        try:
            return (await outcome_in_thread(block, threads)).unwrap()
        finally:
            threads.close()

    with pytest.raises(RunCancelled):
        run_until_loop(work)
    assert begun.is_set()
    assert not ended.is_set()


def test_where_a_loop_runs_it_has_one_of_its_own() -> None:
    async def work() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def around() -> bool:
        return run_until_loop(work) is asyncio.get_running_loop()

    assert asyncio.run(around()) is False
