"""Claims about agents that are left while something blocks: user code, a pause, a time limit."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from harness import BaseLLM, tool
from harness.llm import LLMRequest, Part, TextDelta
from harness.tools import BaseTool
from tests.agents.scripted import ASKED, WAYS, Way, agent, calls, left, session_of, tide, tree
from tests.session.bodies import join_harness_threads


class Gate:
    """A tool that blocks until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.let_go = threading.Event()
        self.after: list[Any] = []

        @tool("Wait")
        def wait() -> str:
            """Wait."""
            self.reached.set()
            assert self.let_go.wait(30)
            self.after.append("let go")
            return "done"

        self.tool = wait


def ended(gate: Gate) -> None:
    """Let the tool go, and wait for all threads of the run."""
    gate.let_go.set()
    join_harness_threads()


@pytest.mark.parametrize("way", WAYS)
def test_closing_does_not_wait_for_a_tool_that_blocks_and_nothing_follows_it(way: Way) -> None:
    gate = Gate()
    pilot = agent(calls(("wait", {})), "never asked", tools=[gate.tool])
    session = left(pilot, [gate.reached], way)
    count, was_at_work = len(session.frames), gate.after == []
    ended(gate)

    assert was_at_work
    assert session.is_cancelled
    assert gate.after == ["let go"]
    assert len(session.frames) == count
    assert len(pilot.llm.requests) == 1


def test_a_coroutine_that_a_tool_returns_once_nobody_waits_for_it_is_closed() -> None:
    gate = Gate()
    made: list[Any] = []

    async def late() -> str:
        return "never"

    @tool("Wait")
    def wait() -> Any:
        """Wait."""
        gate.reached.set()
        assert gate.let_go.wait(30)
        made.append(late())
        return made[0]

    left(agent(calls(("wait", {})), "never asked", tools=[wait]), [gate.reached], "sync")
    ended(gate)

    assert inspect.getcoroutinestate(made[0]) == inspect.CORO_CLOSED


@pytest.mark.parametrize("way", WAYS)
def test_closing_ends_a_pause_between_requests(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    pausing = threading.Event()

    def delay_s(self: Any) -> float:
        if not pilot.llm.requests:
            return 0.0
        pausing.set()
        return 3600.0

    monkeypatch.setattr("harness.agents.pace.Paced.delay_s", delay_s)
    gate = Gate()
    gate.let_go.set()
    pilot = agent(calls(("wait", {})), "never asked", tools=[gate.tool], max_rpm=1)
    session = left(pilot, [pausing], way)
    ended(gate)

    assert session.is_cancelled
    assert len(pilot.llm.requests) == 1
    assert [thread.name for thread in threading.enumerate() if thread.name == "harness-run"] == []


@pytest.mark.parametrize("way", WAYS)
def test_a_time_limit_does_not_wait_for_a_tool_that_blocks(way: Way) -> None:
    gate = Gate()
    pilot = agent(calls(("wait", {})), "never asked", tools=[gate.tool], max_execution_time=0.1)
    frames, error = session_of(pilot, way, "Go.")
    was_at_work = gate.after == []
    ended(gate)

    assert isinstance(error, TimeoutError)
    assert was_at_work
    assert tree(frames) == [
        "agent_execution_started",
        "  llm_call_started",
        "  llm_call_completed",
        "  tool_usage_started",
        "  tool_usage_error",
        "agent_execution_error",
    ]
    assert len(pilot.llm.requests) == 1


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("limit_s", [None, 3600.0], ids=["no limit", "a limit"])
def test_a_kickoff_that_is_cancelled_has_its_tools_cleaned_up(order: str, limit_s: float | None) -> None:
    at_work = asyncio.Event()
    cleaned_up: list[str] = []

    class Waits(BaseTool):
        name: str = "wait"
        description: str = "Waits."

        async def _arun(self, who: str) -> str:
            try:
                if who == "b":
                    at_work.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned_up.append(who)
            return who

    pilot = agent(calls(*(("wait", {"who": who}) for who in order)), tools=[Waits()], max_execution_time=limit_s)

    async def run() -> int:
        kickoff = asyncio.create_task(pilot.kickoff_async("Go."))
        await at_work.wait()
        kickoff.cancel()
        with pytest.raises(asyncio.CancelledError):
            await kickoff
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
    assert "b" in cleaned_up


def test_a_model_that_is_about_to_go_on_is_told_once_that_its_run_is_closed() -> None:
    gate = asyncio.Event()
    cleaned_up: list[bool] = []

    class Going(BaseLLM):
        async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
            try:
                yield TextDelta("It is ")
                await gate.wait()
                yield TextDelta("on its way.")
            finally:
                # A second interruption would come here.
                await asyncio.sleep(0)
                cleaned_up.append(True)

    async def run() -> None:
        session = agent(llm=Going("going-1"), max_execution_time=3600.0).astream("Go.")
        async for frame in session.llm:
            if frame.content:
                break
        gate.set()
        await session.aclose()

    asyncio.run(run())
    assert cleaned_up


def test_a_step_callback_that_fails_leaves_nothing_in_the_loop() -> None:
    def refuse(step: Any) -> None:
        raise LookupError("no")

    async def run() -> int:
        with pytest.raises(LookupError, match="no"):
            await agent(ASKED, "done", tools=[tide], step_callback=refuse).kickoff_async("Go.")
        # What would end a generator that was left half-way is begun by the loop.
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
