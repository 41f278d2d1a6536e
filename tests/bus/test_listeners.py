"""Claims about handlers: whom they hear, in which order, and what becomes of async ones."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import gc
import os
import threading
import types
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from harness.bus import add_stream_sink, aemit, emit, event_bus
from harness.bus.listeners import Listeners
from harness.bus.order import Depends
from harness.bus.replay import is_replaying
from harness.errors import RunCancelled, UsageError
from harness.events import BaseEvent, FlowFinishedEvent, FlowStartedEvent
from harness.session.session import StreamSession

TIMEOUT_S = 10.0


class Animal(BaseEvent):
    type: str = "animal"


class Dog(Animal):
    type: str = "dog"


class Stone(BaseEvent):
    type: str = "stone"


@pytest.fixture(autouse=True)
def _own_handlers() -> Any:
    with event_bus.scoped_handlers():
        yield


HEARD: dict[type[BaseEvent], list[str]] = {
    BaseEvent: ["animal", "dog", "stone"],
    Animal: ["animal", "dog"],
    Dog: ["dog"],
    Stone: ["stone"],
}


WRONG: dict[str, tuple[Callable[[Any], object], str]] = {
    "a type of events": (lambda bus: bus.register_handler("dog", print), "not 'dog' and <built-in function print>"),
    "the handler first": (lambda bus: bus.register_handler(print, Dog), "not <built-in function print> and <class"),
    "no handler": (lambda bus: bus.register_handler(Dog, None), "and None"),
    "no handler to decorate": (lambda bus: bus.on(Dog)(None), "and None"),
    "no class": (lambda bus: bus.on(), r"on\(\) takes classes of events, .* not None"),
    "a handler without parentheses": (lambda bus: bus.on(print), "takes classes of events"),
    "no event": (lambda bus: bus.emit(None, {"type": "dog"}), "an event is an instance of a subclass of BaseEvent"),
    "no event, awaited": (lambda bus: asyncio.run(bus.aemit(None, Dog)), "an event is an instance"),
    "a sink that is none": (lambda bus: add_stream_sink(None), "a sink is a function"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("use", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_nobody_can_be_told_by_is_refused_where_it_is_given(use: Callable[[Any], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        use(event_bus)
    emit(None, Dog())


@pytest.mark.parametrize("cls", HEARD, ids=lambda cls: cls.__name__)
def test_a_handler_hears_its_class_and_those_below_it(cls: type[BaseEvent]) -> None:
    heard: list[str] = []
    event_bus.register_handler(cls, lambda _source, event: heard.append(event.type))
    for event in (Animal(), Dog(), Stone()):
        emit(None, event)
    assert heard == HEARD[cls]


def test_a_handler_that_is_registered_after_an_event_hears_the_next() -> None:
    heard: list[str] = []
    emit(None, Dog())
    event_bus.register_handler(Animal, lambda _source, event: heard.append(event.type))
    emit(None, Dog())
    assert heard == ["dog"]


def test_handlers_are_called_in_the_order_of_their_registration_before_emit_returns() -> None:
    heard: list[tuple[str, int]] = []
    for name, cls in (("first", BaseEvent), ("second", Dog), ("third", Animal)):

        def handler(_source: Any, _event: BaseEvent, name: str = name) -> None:
            heard.append((name, threading.get_ident()))

        event_bus.register_handler(cls, handler)
    emit(None, Dog())
    assert heard == [(name, threading.get_ident()) for name in ("first", "second", "third")]


def test_on_registers_for_several_classes_and_gives_the_handler_back() -> None:
    heard: list[str] = []

    @event_bus.on(Dog, Stone)
    def handler(_source: Any, event: BaseEvent) -> None:
        heard.append(event.type)

    emit(None, Stone())
    emit(None, Dog())
    event_bus.off(Dog, handler)
    event_bus.off(Dog, handler)
    emit(None, Dog())
    emit(None, Stone())
    assert heard == ["stone", "dog", "stone"]


def test_scoped_handlers_start_with_none_and_bring_the_others_back() -> None:
    heard: list[str] = []
    event_bus.register_handler(Dog, lambda _source, _event: heard.append("outside"))
    with pytest.raises(LookupError), event_bus.scoped_handlers():
        event_bus.register_handler(Dog, lambda _source, _event: heard.append("inside"))
        emit(None, Dog())
        raise LookupError
    emit(None, Dog())
    assert heard == ["inside", "outside"]


def test_an_async_handler_of_emit_outlives_the_loop_that_emitted_and_flush_waits_for_it() -> None:
    gate, heard = threading.Event(), []

    @event_bus.on(Dog)
    async def handler(_source: Any, event: Dog) -> None:
        await asyncio.to_thread(gate.wait, TIMEOUT_S)
        heard.append(event.type)

    async def main() -> None:
        event_bus.emit(None, Dog())

    asyncio.run(main())
    assert (heard, event_bus.flush(0)) == ([], False)
    gate.set()
    assert event_bus.flush(TIMEOUT_S)
    assert heard == ["dog"]


def test_what_an_async_handler_came_to_is_kept_by_nobody() -> None:
    event_bus.register_handler(Dog, _asleep)
    future = emit(None, Dog())
    assert future is not None
    kept = weakref.ref(future)
    del future
    # Once the next one has ended, their thread is done with it.
    emit(None, Dog())
    assert event_bus.flush(TIMEOUT_S)
    gc.collect()
    assert kept() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_async_handlers_run_in_a_forked_child_too() -> None:
    event_bus.register_handler(Dog, _asleep)
    emit(None, Dog())
    assert event_bus.flush(TIMEOUT_S)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            emit(None, Dog())
            os._exit(0 if event_bus.flush(TIMEOUT_S) else 1)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("how", ["leaf", "opening", "closing"])
@pytest.mark.parametrize("handlers", [[], ["sync"], ["async"], ["failing", "sync", "async"]], ids="-".join)
def test_emit_gives_something_to_wait_for_until_all_handlers_have_ended(handlers: list[str], how: str) -> None:
    gate, ended = threading.Event(), []

    def sync(_source: Any, _event: BaseEvent) -> None:
        ended.append("sync")

    async def waiting(_source: Any, _event: BaseEvent) -> None:
        await asyncio.to_thread(gate.wait, TIMEOUT_S)
        ended.append("async")

    async def failing(_source: Any, _event: BaseEvent) -> None:
        raise ValueError("broken")

    known = {"sync": sync, "async": waiting, "failing": failing}
    started, finished = FlowStartedEvent(flow_name="F"), FlowFinishedEvent(flow_name="F")

    def body() -> concurrent.futures.Future[None] | None:
        if how == "closing":
            emit(None, started)
        event_bus.register_handler(Stone, waiting)
        for name in handlers:
            event_bus.register_handler(BaseEvent, known[name])
        return emit(None, {"leaf": Dog(), "opening": started, "closing": finished}[how])

    future = contextvars.copy_context().run(body)
    assert (future is None) == (not handlers)
    if future is not None:
        assert future.done() == ("async" not in handlers)
        gate.set()
        future.result(TIMEOUT_S)
    assert ended == [name for name in handlers if name != "failing"]


@pytest.mark.parametrize("is_async", [False, True])
def test_what_emit_gives_is_done_without_failure_though_a_later_handler_finds_its_run_cancelled(is_async: bool) -> None:
    async def first(_source: Any, _event: BaseEvent) -> None:
        return

    def second(_source: Any, _event: BaseEvent) -> None:
        raise RunCancelled

    async def asecond(_source: Any, _event: BaseEvent) -> None:
        raise RunCancelled

    event_bus.register_handler(Stone, first)
    event_bus.register_handler(Stone, asecond if is_async else second, Depends(first))
    handled = emit(None, Stone())
    assert handled is not None
    assert handled.exception(TIMEOUT_S) is None


def test_what_a_handler_emits_during_aemit_can_be_waited_for_once_aemit_has() -> None:
    inner: list[Any] = []
    event_bus.register_handler(Stone, _asleep)
    event_bus.register_handler(Dog, lambda _source, _event: inner.append(emit(None, Stone())))
    asyncio.run(aemit(None, Dog()))
    assert inner[0].done()


async def _asleep(_source: Any, _event: BaseEvent) -> None:
    await asyncio.sleep(0)


@dataclass
class Unhashable:
    heard: list[str]

    def __call__(self, _source: Any, event: BaseEvent) -> None:
        self.heard.append(event.type)


class Incomparable(Unhashable):
    def __eq__(self, other: object) -> bool:
        raise LookupError

    def __hash__(self) -> int:
        return 1


@pytest.mark.parametrize("kind", [Unhashable, Incomparable])
def test_handlers_are_told_apart_by_what_they_are_and_not_by_what_they_equal(kind: type[Unhashable]) -> None:
    heard: list[str] = []
    first, second = kind(heard), kind(heard)
    for handler in (first, second, first):
        event_bus.register_handler(Dog, handler, [Depends(second)] if handler is first else None)
    emit(None, Dog())
    event_bus.off(Dog, second)
    emit(None, Dog())
    event_bus.off(Dog, first)
    emit(None, Dog())
    assert heard == ["dog"] * 3


def test_a_handler_is_called_once_though_it_is_registered_for_a_class_and_the_one_above_it() -> None:
    heard: list[str] = []

    @event_bus.on(Dog, Animal)
    def handler(_source: Any, event: BaseEvent) -> None:
        heard.append(event.type)

    emit(None, Dog())
    assert heard == ["dog"]


def test_a_replayed_event_reaches_handlers_as_it_was_and_no_session() -> None:
    heard: list[tuple[bool, int | None]] = []
    dog = Dog()
    emit(None, dog)
    stamp = dog.emission_sequence

    @event_bus.on(Dog)
    def sync(_source: Any, event: Dog) -> None:
        heard.append((is_replaying(), event.emission_sequence))

    @event_bus.on(Dog)
    async def later(_source: Any, event: Dog) -> None:
        await asyncio.sleep(0)
        heard.append((event_bus.is_replaying(), event.emission_sequence))

    def body() -> None:
        future = event_bus.replay(None, dog)
        assert future is not None
        future.result(TIMEOUT_S)

    assert list(StreamSession(body)) == []
    assert heard == [(True, stamp)] * 2
    assert not is_replaying()


@pytest.mark.parametrize("wait", [True, False], ids=["waits", "cancels"])
def test_a_shutdown_takes_handlers_off_and_ends_their_thread(wait: bool) -> None:
    begun, heard = threading.Event(), []

    @event_bus.on(Dog)
    async def handler(_source: Any, _event: Dog) -> None:
        begun.set()
        try:
            await asyncio.sleep(0 if wait else TIMEOUT_S)
            heard.append("ended")
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    future = emit(None, Dog())
    assert future is not None
    assert begun.wait(TIMEOUT_S)
    threads = [thread for thread in threading.enumerate() if thread.name == "harness-listeners"]
    event_bus.shutdown(wait)
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert heard == ["ended" if wait else "cancelled"]
    assert (future.done(), emit(None, Dog())) == (True, None)
    event_bus.register_handler(Dog, _asleep)
    again = emit(None, Dog())
    assert again is not None
    again.result(TIMEOUT_S)


def test_a_flush_inside_an_async_handler_does_not_wait_for_itself() -> None:
    flushed: list[bool] = []

    @event_bus.on(Dog)
    async def handler(_source: Any, _event: Dog) -> None:
        flushed.append(event_bus.flush(TIMEOUT_S))

    future = emit(None, Dog())
    assert future is not None
    future.result(TIMEOUT_S / 2)
    assert flushed == [False]


def test_aemit_waits_for_async_handlers_in_their_order() -> None:
    heard: list[str] = []
    for name in ("first", "second"):

        @event_bus.on(Dog)
        async def handler(_source: Any, _event: Dog, name: str = name) -> None:
            await asyncio.sleep(0)
            heard.append(name)

    @event_bus.on(Dog)
    @types.coroutine
    def third(_source: Any, _event: Dog) -> Any:
        yield
        heard.append("third")

    async def check() -> list[str]:
        await aemit(None, Dog())
        return list(heard)

    assert asyncio.run(check()) == ["first", "second", "third"]


def test_handlers_that_a_cancelled_aemit_did_not_come_to_never_begin() -> None:
    heard: list[str] = []

    @event_bus.on(Dog)
    async def first(_source: Any, _event: Dog) -> None:
        cast("asyncio.Task[Any]", asyncio.current_task()).cancel()
        await asyncio.sleep(0)
        heard.append("first")

    async def second(_source: Any, _event: Dog) -> None:
        heard.append("second")

    event_bus.register_handler(Dog, second)

    async def check() -> None:
        await asyncio.wait({asyncio.create_task(aemit(None, Dog()))})

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(check())
        gc.collect()
    assert (heard, [str(warning.message) for warning in warned]) == ([], [])


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3), asyncio.CancelledError()], ids=repr)
def test_an_async_handler_that_raises_changes_nothing(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    @event_bus.on(Dog)
    async def handler(_source: Any, _event: Dog) -> None:
        raise error

    emit(None, Dog())
    assert event_bus.flush(TIMEOUT_S)
    asyncio.run(aemit(None, Dog()))
    assert [record.getMessage() for record in caplog.records] == ["a listener failed on dog"] * 2


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("error", [RunCancelled, KeyboardInterrupt])
def test_what_ends_the_run_reaches_its_emitter_from_a_handler_and_those_that_have_not_begun_never_do(
    error: type[BaseException], is_async: bool
) -> None:
    heard: list[str] = []

    def ends(_source: Any, _event: Dog) -> Any:
        async def later() -> None:
            raise error

        if is_async:
            return later()
        raise error

    async def other(_source: Any, event: Dog) -> None:
        heard.append(event.type)

    for handler in (ends, other) if is_async else (other, ends):
        event_bus.register_handler(Dog, handler)

    async def check() -> None:
        with pytest.raises(error):
            await aemit(None, Dog())

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(check())
        gc.collect()
    assert (heard, warned) == ([], [])


def test_what_is_published_while_handlers_are_looked_up_is_told_to_them() -> None:
    """As of a step that the garbage collector ends, which it may do in the middle of anything."""
    listeners = Listeners()
    heard: list[str] = []

    class Collecting(type(BaseEvent)):  # type: ignore[misc]
        def __subclasscheck__(cls, other: type) -> bool:
            if other is not Dog:
                listeners.notify(None, Dog())
            return super().__subclasscheck__(other)  # type: ignore[no-any-return]

    class Asked(BaseEvent, metaclass=Collecting):
        type: str = "asked"

    async def handler(_source: Any, event: Dog) -> None:
        heard.append(event.type)

    listeners.add(Dog, handler)
    listeners.add(Asked, handler)
    emitter = threading.Thread(target=listeners.notify, args=(None, Stone()), daemon=True)
    emitter.start()
    emitter.join(TIMEOUT_S)
    assert not emitter.is_alive()
    assert listeners.flush(TIMEOUT_S)
    assert heard == ["dog"]
    listeners.shutdown()


def test_a_task_that_a_handler_starts_during_aemit_has_its_own_handlers_run() -> None:
    heard: list[str] = []

    async def check() -> None:
        late: list[asyncio.Task[None]] = []
        may_emit = asyncio.Event()

        async def later() -> None:
            await may_emit.wait()
            emit(None, Stone())

        event_bus.register_handler(Dog, lambda _source, _event: late.append(asyncio.ensure_future(later())))
        done = threading.Event()

        @event_bus.on(Stone)
        async def handler(_source: Any, event: Stone) -> None:
            heard.append(event.type)
            done.set()

        await aemit(None, Dog())
        may_emit.set()
        assert await asyncio.to_thread(done.wait, TIMEOUT_S)

    asyncio.run(check())
    assert heard == ["stone"]


def test_an_async_handler_that_emits_after_the_end_reaches_listeners_alone() -> None:
    gate, heard = threading.Event(), []

    @event_bus.on(Dog)
    async def handler(_source: Any, _event: Dog) -> None:
        await asyncio.to_thread(gate.wait, TIMEOUT_S)
        emit(None, Stone())

    event_bus.register_handler(Stone, lambda _source, event: heard.append(event.type))
    session = StreamSession(lambda: emit(None, Dog()))
    assert [frame.type for frame in session] == ["dog"]
    gate.set()
    assert event_bus.flush(TIMEOUT_S)
    assert (heard, [frame.type for frame in session.frames]) == (["stone"], ["dog"])
