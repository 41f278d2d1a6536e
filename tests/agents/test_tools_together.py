"""Claims about the tools that a model asks for in one answer: they work side by side, and it is told of them in its order."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from harness.tools import BaseTool, ToolFailurePolicy
from tests.agents.scripted import WAYS, Way, agent, calls, session_of, tree

PATIENCE_S = 20


class Alone(BaseTool):
    """Tells how many are at work at the same time."""

    name: str = "alone"
    description: str = "Works."
    lock: Any = None

    def _run(self, who: str) -> str:
        assert self.lock.acquire(blocking=False), "another one is at work"
        try:
            return who
        finally:
            self.lock.release()


@pytest.mark.parametrize("options", [{"result_as_answer": True}, {"max_usage_count": 5}], ids=str)
def test_where_one_is_the_answer_or_is_counted_they_work_one_after_the_other(options: dict[str, Any]) -> None:
    tool = Alone(lock=threading.Lock(), **options)
    pilot = agent(calls(*(("alone", {"who": who}) for who in "abc")), "All.", tools=[tool])
    frames, _ = session_of(pilot, "sync", "Who?")
    assert [line for line in tree(frames) if "tool" in line] == ["  tool_usage_started", "  tool_usage_finished"] * 3


@pytest.mark.parametrize("way", WAYS)
def test_tools_of_one_answer_work_side_by_side_a_few_at_once_and_are_told_in_its_order(way: Way) -> None:
    lock, barrier = threading.Lock(), threading.Barrier(8)
    at_work, most = [0], [0]

    class Counted(BaseTool):
        name: str = "count"
        description: str = "Works."

        def _run(self, who: int) -> int:
            with lock:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
            barrier.wait(PATIENCE_S)
            with lock:
                at_work[0] -= 1
            return who

    pilot = agent(calls(*(("count", {"who": who}) for who in range(24))), "All.", tools=[Counted()])
    frames, _ = session_of(pilot, way, "Who?")
    assert [message.content for message in pilot.llm.requests[1].messages[3:]] == [str(who) for who in range(24)]
    assert most == [8]
    tools = [frame for frame in frames if frame.channel == "tools"]
    # All begin, in the order in which they were asked for, before one can end.
    assert [frame.data.get("tool_args") for frame in tools[:8]] == [{"who": who} for who in range(8)]
    assert {frame.type for frame in tools[:8]} == {"tool_usage_started"}
    assert {frame.parent_id for frame in tools} == {frames[0].id}


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_whose_failure_ends_the_run_stops_those_beside_it(way: Way) -> None:
    stopped = threading.Event()
    at_work, let_go = threading.Event(), threading.Event()

    class Failing(BaseTool):
        name: str = "fail"
        description: str = "Fails."

        def _run(self) -> str:
            assert at_work.wait(PATIENCE_S)
            raise LookupError("no such thing")

    class Waiting(BaseTool):
        name: str = "wait"
        description: str = "Waits."

        async def _arun(self) -> str:
            at_work.set()
            try:
                await asyncio.sleep(PATIENCE_S)
            finally:
                stopped.set()
            return "late"

        def _run(self) -> str:
            at_work.set()
            assert let_go.wait(PATIENCE_S)
            return "late"

    pilot = agent(
        calls(("fail", {}), ("wait", {})),
        "All.",
        tools=[Failing(), Waiting()],
        tool_failure_policy=ToolFailurePolicy.RAISE,
    )
    frames, error = session_of(pilot, way, "Who?")
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "harness-task":
            thread.join(PATIENCE_S)
    assert "no such thing" in str(error)
    assert frames[-1].type == "agent_execution_error"
    assert way == "sync" or stopped.is_set()
