"""Claims about handlers: whom they hear, in which order, and what becomes of async ones."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from harness.bus.bus import aemit, emit, event_bus
from harness.events import BaseEvent
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


def test_an_async_handler_of_emit_runs_elsewhere_and_flush_waits_for_it() -> None:
    gate, heard = threading.Event(), []

    @event_bus.on(Dog)
    async def handler(_source: Any, event: Dog) -> None:
        await asyncio.to_thread(gate.wait, TIMEOUT_S)
        heard.append(event.type)

    emit(None, Dog())
    assert (heard, event_bus.flush(0)) == ([], False)
    gate.set()
    assert event_bus.flush(TIMEOUT_S)
    assert heard == ["dog"]


def test_an_async_handler_of_emit_in_a_loop_runs_in_that_loop() -> None:
    async def check() -> bool:
        loops = asyncio.Queue[Any]()

        @event_bus.on(Dog)
        async def handler(_source: Any, _event: Dog) -> None:
            await loops.put(asyncio.get_running_loop())

        emit(None, Dog())
        return await loops.get() is asyncio.get_running_loop() and event_bus.flush(0)

    assert asyncio.run(check())


def test_aemit_waits_for_async_handlers_in_their_order() -> None:
    heard: list[str] = []
    for name in ("first", "second"):

        @event_bus.on(Dog)
        async def handler(_source: Any, _event: Dog, name: str = name) -> None:
            await asyncio.sleep(0)
            heard.append(name)

    async def check() -> list[str]:
        await aemit(None, Dog())
        return list(heard)

    assert asyncio.run(check()) == ["first", "second"]


def test_an_async_handler_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    @event_bus.on(Dog)
    async def handler(_source: Any, _event: Dog) -> None:
        raise ValueError("broken")

    emit(None, Dog())
    assert event_bus.flush(TIMEOUT_S)
    asyncio.run(aemit(None, Dog()))
    assert [record.getMessage() for record in caplog.records] == ["a listener failed on dog"] * 2


def test_a_task_that_a_handler_starts_during_aemit_has_its_own_handlers_run() -> None:
    heard: list[str] = []

    async def check() -> None:
        late: list[asyncio.Task[None]] = []
        may_emit = asyncio.Event()

        async def later() -> None:
            await may_emit.wait()
            emit(None, Stone())

        event_bus.register_handler(Dog, lambda _source, _event: late.append(asyncio.ensure_future(later())))
        done = asyncio.Event()

        @event_bus.on(Stone)
        async def handler(_source: Any, event: Stone) -> None:
            heard.append(event.type)
            done.set()

        await aemit(None, Dog())
        may_emit.set()
        await asyncio.wait_for(done.wait(), TIMEOUT_S)

    asyncio.run(check())
    assert heard == ["stone"]


def test_events_of_the_async_emit_are_frames() -> None:
    frames = list(StreamSession(lambda: asyncio.run(aemit(None, Dog()))))
    assert [frame.type for frame in frames] == ["dog"]


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
