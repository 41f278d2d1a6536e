"""Claims about pausing: all of it can be built of a hook."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from harness.errors import RunPaused
from harness.flow import Flow, FlowHook, FlowRun, MethodCall, MethodResult, listen, router, start, with_hook
from tests.flow.engine.noting import Restoring, raises, two
from tests.flow.graph.graphs import KINDS, TIMEOUT_S, Kind, transcript


class Approval(FlowHook):
    """Asks a human about what a method returned, and has the run wait where there is no answer yet."""

    def __init__(self, answer: str | None = None) -> None:
        self._answer = answer
        self.has_paused = threading.Event()
        self.plan: dict[str, Any] = {}

    def before_method(self, run: FlowRun, call: MethodCall) -> MethodResult | None:
        return MethodResult(call.output) if call.was_paused else None

    async def after_method(self, run: FlowRun, call: MethodCall, result: MethodResult) -> MethodResult:
        if self._answer is None:
            raise RunPaused("May it go out?", emit=["yes", "no"])
        return MethodResult(result.output, label=self._answer, routed=f"{self._answer} to {result.output}")

    def method_paused(self, run: FlowRun, call: MethodCall, pause: RunPaused) -> None:
        self.has_paused.set()

    def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        self.plan = run.plan.saved()


def reviewed(hook: Approval, ran: list[str]) -> type[Flow]:
    """Return a flow whose draft is reviewed while something else goes on beside it."""

    class Reviewed(Flow):
        @start()
        @router(emit=["yes", "no"])
        @with_hook(hook)
        def draft(self) -> str:
            ran.append("draft")
            return "the draft"

        @start()
        def beside(self) -> str:
            assert hook.has_paused.wait(TIMEOUT_S)
            ran.append("beside")
            return "beside"

        @listen(beside)
        def after_beside(self) -> str:
            ran.append("after beside")
            return "after beside"

        @listen("yes")
        def publish(self, answer: str) -> str:
            ran.append("publish")
            return answer

        @listen("no")
        def drop(self) -> None:
            ran.append("drop")

    return Reviewed


@pytest.mark.parametrize("suppressed", [False, True], ids=["with events", "without flow events"])
def test_a_run_that_pauses_gives_what_it_waits_with_and_goes_on_from_there(suppressed: bool) -> None:
    ran: list[str] = []
    waiting = Approval()
    session = reviewed(waiting, ran)(suppress_flow_events=suppressed).stream_events()
    frames = list(session)
    assert isinstance(session.result, RunPaused)
    assert session.is_exhausted
    if not suppressed:
        ends = [frame for frame in frames if frame.type.endswith(("finished", "paused"))]
        assert [frame.type.split("_")[-1] for frame in ends] == ["paused", "finished", "paused"]
        for paused in (ends[0], ends[-1]):
            assert [paused.data[name] for name in ("method_name", "message", "emit")] == [
                "draft", "May it go out?", ["yes", "no"],
            ]  # fmt: skip
            assert paused.data["flow_id"] == paused.data["state"]["id"]

    # Nothing new began after the pause; what ran came to its end, and its listener is still to run.
    assert ran == ["draft", "beside"]
    restoring = Restoring(json.loads(json.dumps(waiting.plan)))
    resumed = reviewed(Approval("yes"), ran)(suppress_flow_events=suppressed, hooks=[restoring])
    list(resumed.stream_events())
    assert sorted(ran) == ["after beside", "beside", "draft", "publish"]
    assert sorted(resumed.method_outputs) == ["after beside", "beside", "the draft", "yes to the draft"]


def test_a_run_that_is_resumed_without_an_answer_pauses_again() -> None:
    ran: list[str] = []
    waiting = Approval()
    reviewed(waiting, ran)().kickoff()
    again = Approval()
    session = reviewed(again, ran)(hooks=[Restoring(waiting.plan)]).stream_events()
    list(session)
    assert isinstance(session.result, RunPaused)
    assert ran.count("draft") == 1
    reviewed(Approval("no"), ran)(hooks=[Restoring(again.plan)]).kickoff()
    assert sorted(ran) == ["after beside", "beside", "draft", "drop"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_may_pause_by_itself(kind: Kind) -> None:
    pause = RunPaused()
    session = two(kind, raises(pause)).stream_events()
    assert transcript(session)[-3:] == ["b started p1 t3", "b paused p1 t3", "b paused"]
    assert session.result is pause


@pytest.mark.parametrize("order", [("fails", "waits"), ("waits", "fails")], ids=" first, ".join)
def test_a_run_that_fails_while_another_of_its_methods_pauses_waits_for_nothing(order: tuple[str, str]) -> None:
    error = LookupError("told")
    ends: list[Any] = []

    class Noted(FlowHook):
        def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
            ends.append((run.pause, error))

    async def fails(self: Flow) -> None:
        raise error

    async def waits(self: Flow) -> None:
        raise RunPaused

    methods = {"fails": fails, "waits": waits}
    session = type("Both", (Flow,), {name: start()(methods[name]) for name in order})(hooks=[Noted()]).stream_events()
    with pytest.raises(LookupError):
        list(session)
    assert {line.split()[1] for line in transcript(session.frames)[3:5]} == {"failed", "paused"}
    assert ends == [(None, error)]
