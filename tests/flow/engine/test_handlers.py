"""Claims about async handlers of a flow's start and end: the run waits for them, and for nobody who waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness import event_bus
from harness.errors import RunPaused
from harness.events import BaseEvent, FlowFailedEvent, FlowFinishedEvent, FlowPausedEvent, FlowStartedEvent
from harness.flow import Flow, start
from tests.flow.graph.graphs import TIMEOUT_S, WAYS
from tests.session.bodies import join_harness_threads


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    with event_bus.scoped_handlers():
        yield


class Ending(Flow):
    """Returns, raises or waits, as it is told."""

    error: Any = None
    #: What its method found handled, and the handlers ended by now.
    found: Any = None
    handled: Any = None

    @start()
    def end(self) -> str:
        self.found = list(self.handled)
        if self.error is not None:
            raise self.error
        return "ended"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    ("error", "last"),
    [(None, FlowFinishedEvent), (LookupError(), FlowFailedEvent), (RunPaused("?"), FlowPausedEvent)],
    ids=["finished", "failed", "paused"],
)
def test_a_run_waits_for_the_handlers_of_its_start_and_its_end(
    error: BaseException | None, last: type[BaseEvent], way: Callable[[Flow], Any]
) -> None:
    handled: list[str] = []

    @event_bus.on(FlowStartedEvent, last)
    async def slow(_source: Any, event: BaseEvent) -> None:
        for _ in range(3_000):
            await asyncio.sleep(0)
        handled.append(event.type)

    flow = Ending(error=error, handled=handled)
    with contextlib.suppress(LookupError):
        way(flow)
    ends = ["flow_started", last.model_fields["type"].default]
    assert (flow.found, handled) == (ends[:1], ends)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_flow_that_a_handler_runs_waits_for_no_handler(how: str) -> None:
    handled: list[str] = []

    @event_bus.on(FlowFinishedEvent)
    async def run_another(_source: Any, event: FlowFinishedEvent) -> None:
        if event.flow_name == "outer":
            inner = Ending(name="inner", handled=())
            if how == "sync":
                inner.kickoff()
            else:
                await inner.kickoff_async()
        handled.append(event.flow_name)

    Ending(name="outer", handled=()).kickoff()
    assert event_bus.flush(TIMEOUT_S)
    assert sorted(handled) == ["inner", "outer"]


def test_a_flow_in_a_handler_that_aemit_calls_waits_for_none_that_come_after_it() -> None:
    handled: list[str] = []

    class Began(BaseEvent):
        type: str = "began"

    @event_bus.on(Began)
    def run_one(_source: Any, _event: Began) -> None:
        Ending(handled=()).kickoff()

    @event_bus.on(FlowFinishedEvent)
    async def finished(_source: Any, event: FlowFinishedEvent) -> None:
        handled.append(event.type)

    asyncio.run(asyncio.wait_for(event_bus.aemit(None, Began()), TIMEOUT_S))
    assert handled == ["flow_finished"]


def test_a_run_that_is_cancelled_waits_for_no_handler() -> None:
    entered, gate, cancelled = threading.Event(), threading.Event(), threading.Event()

    @event_bus.on(FlowStartedEvent)
    async def blocked(_source: Any, _event: FlowStartedEvent) -> None:
        entered.set()
        await asyncio.to_thread(gate.wait, TIMEOUT_S)
        assert cancelled.is_set()

    async def main() -> None:
        task = asyncio.ensure_future(Ending(handled=()).kickoff_async())
        await asyncio.to_thread(entered.wait, TIMEOUT_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    with Ending(handled=()).stream_events() as session:
        entered.clear()
        assert next(session.events).type == "flow_started"
        assert entered.wait(TIMEOUT_S)
    assert session.is_cancelled
    # Nor does a thread of it.
    join_harness_threads()
    assert not event_bus.flush(0)
    cancelled.set()
    gate.set()
    assert event_bus.flush(TIMEOUT_S)
