"""Claims about saving: all of it can be built of a hook, between branches that run side by side, too."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from harness.flow import Flow, FlowHook, FlowRun, MethodCall, MethodResult, and_, listen, start
from harness.flow.graph.definition import graph_of
from harness.flow.plan.plan import Plan
from tests.flow.engine.noting import Restoring
from tests.flow.graph.graphs import TIMEOUT_S, transcript


class Saving(FlowHook):
    """Keeps plan and state in a file after each method, and begins where the file says."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def before_flow(self, run: FlowRun) -> None:
        if self._path.exists():
            kept = json.loads(self._path.read_text())
            run.plan.restore(kept["plan"])
            run.state = kept["state"]

    def method_done(self, run: FlowRun, call: MethodCall, result: MethodResult) -> None:
        kept = {"plan": run.plan.saved(), "state": run.state}
        self._path.with_suffix(".new").write_text(json.dumps(kept))
        self._path.with_suffix(".new").replace(self._path)


def branches(ran: list[str], gate: threading.Event) -> type[Flow]:
    """Return a flow of two branches that are joined; the right one waits in its first method for the gate."""

    class Branches(Flow):
        @start()
        def left(self) -> str:
            ran.append("left")
            self.state["by"] = "left"
            return "L"

        @listen(left)
        def after_left(self, value: str) -> str:
            ran.append("after left")
            return f"{value}L"

        @start()
        def right(self) -> str:
            ran.append("right")
            assert gate.wait(TIMEOUT_S)
            return "R"

        @listen(and_(after_left, right))
        def join(self, value: str) -> str:
            ran.append("join")
            return f"{self.state['by']}, {value}"

    return Branches


def test_a_run_that_was_closed_between_branches_goes_on_in_another_flow_from_what_a_hook_saved(tmp_path: Path) -> None:
    ran: list[str] = []
    gate = threading.Event()
    first = branches(ran, gate)(hooks=[Saving(tmp_path / "run.json")])
    with first.stream_events() as session:
        for frame in session:
            if frame.type == "method_execution_finished" and frame.data["method_name"] == "after_left":
                break
    gate.set()
    second = branches(ran, gate)(hooks=[Saving(tmp_path / "run.json")])
    session = second.stream_events()
    assert transcript(session) == [
        "Branches started",
        "right started p1",
        "right finished p1",
        "join started p1 t3",
        "join finished p1 t3",
        "Branches finished",
    ]
    assert session.result == "left, R"
    assert sorted(ran) == ["after left", "join", "left", "right", "right"]
    assert second.method_outputs == ["L", "LL", "R", "left, R"]
    assert second.state["id"] == first.state["id"]


def test_inputs_go_into_the_state_that_a_hook_restored() -> None:
    class Reads(Flow):
        @start()
        def topic(self) -> Any:
            return dict(self.state)

    plan = Plan.begin(graph_of(Reads)).saved()
    restoring = Restoring(plan, {"id": "x", "topic": "rain", "days": 3})
    flow = Reads(hooks=[restoring])
    assert flow.kickoff(inputs={"topic": "snow"}) == {"id": "x", "topic": "snow", "days": 3}
