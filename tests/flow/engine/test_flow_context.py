"""Code that runs in a flow is told which, and in which method, in threads and tasks, nested, quiet or not."""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from typing import Any

import pytest

from harness.flow import Flow, execution, flow_context, listen, start

Where = tuple[str | None, str | None, str | None]


def here() -> Where:
    return (
        flow_context.current_flow_name.get(),
        flow_context.current_flow_id.get(),
        flow_context.current_flow_method_name.get(),
    )


class Inner(Flow[dict[str, Any]]):
    @start()
    def inside(self) -> tuple[Where, str | None]:
        return here(), execution.get_execution_uuid()


class Outer(Flow[dict[str, Any]]):
    @start()
    def sync(self) -> Where:
        return here()

    @listen(sync)
    async def waits(self) -> Where:
        await asyncio.sleep(0)
        return here()

    @listen(waits)
    def threaded(self) -> Any:
        found: list[Where] = []
        context = copy_context()
        thread = threading.Thread(target=lambda: found.append(context.run(here)))
        thread.start()
        thread.join()
        inner = Inner()
        where, uuid = inner.kickoff(inputs={"id": "inner-1"})
        assert uuid == execution.get_execution_uuid() is not None
        return found[0], where, here()


@pytest.mark.parametrize("quiet", [False, True])
def test_a_method_knows_its_flow_and_itself(quiet: bool) -> None:
    flow = Outer(suppress_flow_events=quiet)
    flow.kickoff(inputs={"id": "outer-1"})
    sync, waits, (threaded, inner, after) = flow.method_outputs
    assert sync == ("Outer", "outer-1", "sync")
    assert waits == ("Outer", "outer-1", "waits")
    assert threaded == after == ("Outer", "outer-1", "threaded")
    assert inner == ("Inner", "inner-1", "inside")


def test_outside_of_a_run_there_is_none() -> None:
    assert here() == (None, None, None)
    assert execution.get_execution_uuid() is None
    assert flow_context.current_flow_id.get("none") == "none"


def test_each_kickoff_is_an_execution_of_its_own() -> None:
    flow = Inner()
    assert flow.kickoff()[1] != flow.kickoff()[1]
