"""Claims about hooks: whose they are, when each is told, and what it may change."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from harness.flow import Flow, FlowHook, FlowRun, MethodCall, MethodResult, listen, router, start, with_hook
from harness.flow.kickoff import Kickoff
from tests.flow.engine.noting import Noting, Waiting, raises, two
from tests.flow.graph.graphs import KINDS, TIMEOUT_S, Kind, transcript
from tests.session.bodies import join_harness_threads

TOLD = [
    "before flow",
    "began",
    "before a",
    "after a A",
    "done a A, due ['b']",
    "before b",
    "after b B of A",
    "done b B of A, due []",
    "ended B of A",
]


@pytest.mark.parametrize("waits", [False, True], ids=["sync hook", "async hook"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_is_told_of_each_part_of_a_run_in_order(kind: Kind, waits: bool) -> None:
    hook = Noting()
    flow = two(kind, hooks=[Waiting(hook) if waits else hook])
    assert flow.kickoff() == "B of A"
    assert hook.notes == TOLD


@pytest.mark.parametrize("waits", [False, True], ids=["sync hook", "async hook"])
def test_what_a_hook_emits_belongs_to_what_it_is_told_of(waits: bool) -> None:
    hook = Noting()
    session = two("async", hooks=[Waiting(hook) if waits else hook]).stream_events()
    frames = list(session)
    names: dict[str | None, str] = {frame.id: frame.data.get("method_name", "flow") for frame in frames}
    parents = [names.get(frame.parent_id, "none") for frame in frames if frame.type == "note"]
    assert parents == ["none", "flow", "a", "a", "a", "b", "b", "b", "flow"]
    assert [frame.type for frame in frames][-3:] == ["method_execution_finished", "note", "flow_finished"]


# Whose hooks, and in which order.


def test_hooks_come_from_method_class_constructor_and_run_innermost_first() -> None:
    notes: list[str] = []

    @with_hook(Noting("base", notes))
    class Base(Flow):
        @start()
        @with_hook(Noting("method", notes))
        def a(self) -> str:
            return "A"

    @with_hook(Noting("outer", notes))
    @with_hook(Noting("inner", notes))
    class Hooked(Base):
        @listen(Base.a)
        def b(self) -> None: ...

    flow = Hooked(hooks=[Noting("constructor", notes)])
    asyncio.run(flow._flow_run(Kickoff(), [Noting("run", notes)]))
    inward = ["run", "constructor", "base", "inner", "outer", "method"]
    outward = ["method", "outer", "inner", "base", "constructor", "run"]
    for what, order in {
        "before flow": inward,
        "before a": inward,
        "after a A": outward,
        "before b": inward[:-1],
        "ended None": outward,
    }.items():
        assert [note.removesuffix(f" {what}") for note in notes if note.endswith(what)] == order, what


def test_the_hooks_of_a_class_are_not_those_of_another() -> None:
    notes: list[str] = []
    with_hook(Noting("left", notes))(type("Left", (Flow,), {}))
    two("sync").kickoff()
    assert notes == []


# What a hook may change.


class Giving(FlowHook):
    def __init__(
        self, before: dict[str, MethodResult] | None = None, after: dict[str, MethodResult] | None = None
    ) -> None:
        self._before, self._after = before or {}, after or {}

    def before_method(self, run: FlowRun, call: MethodCall) -> MethodResult | None:
        return self._before.get(call.method.name)

    def after_method(self, run: FlowRun, call: MethodCall, result: MethodResult) -> MethodResult | None:
        return self._after.get(call.method.name)


def test_a_result_given_before_a_method_stands_for_it() -> None:
    ran: list[Any] = []
    flow = two("sync", ran.append, hooks=[Giving(before={"b": MethodResult("given")})])
    session = flow.stream_events()
    assert transcript(session)[-3:] == ["b started p1 t3", "b finished p1 t3", "Graph finished"]
    assert (session.result, ran, flow.method_outputs) == ("given", [], ["A", "given"])


def test_a_result_given_after_a_method_takes_its_place() -> None:
    flow = two("async", hooks=[Giving(after={"a": MethodResult("other")})])
    session = flow.stream_events()
    assert [frame.data.get("result") for frame in session if "finished" in frame.type] == ["other"] + ["B of other"] * 2


def test_a_hook_may_route_and_give_the_listeners_of_the_label_something_else() -> None:
    routes = Giving(after={"review": MethodResult("draft", label="approved", routed={"feedback": "fine"})})

    class Reviewed(Flow):
        @start()
        @router(emit=["approved", "rejected"])
        def review(self) -> str:
            return "draft"

        @listen("approved")
        def publish(self, result: Any) -> Any:
            return result

        @listen("rejected")
        def drop(self) -> None: ...

    flow = Reviewed(hooks=[routes])
    assert flow.kickoff() == {"feedback": "fine"}
    assert flow.method_outputs == ["draft", {"feedback": "fine"}]


# When something fails.


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_is_told_of_the_failure_and_then_of_the_end(kind: Kind) -> None:
    hook, error = Noting(), LookupError("broken")
    session = two(kind, raises(error), hooks=[hook]).stream_events()
    with pytest.raises(LookupError) as caught:
        list(session)
    assert caught.value is error
    assert hook.notes[-3:] == ["before b", "failed b broken", "ended LookupError('broken')"]
    assert [frame.type for frame in session.frames][-4:] == ["note", "method_execution_failed", "note", "flow_failed"]


class Failing(FlowHook):
    def __init__(self, where: str, error: BaseException) -> None:
        setattr(self, where, lambda *args: raises(error)(None))


FAILS: dict[str, list[str]] = {
    "before_flow": [],
    "flow_began": ["Graph started", "Graph failed"],
    "before_method": ["Graph started", "a started p1", "a failed p1", "Graph failed"],
    "after_method": ["Graph started", "a started p1", "a failed p1", "Graph failed"],
    "method_done": ["Graph started", "a started p1", "a failed p1", "Graph failed"],
    "flow_ended": [
        "Graph started", "a started p1", "a finished p1", "b started p1 t3", "b finished p1 t3", "Graph failed",
    ],
}  # fmt: skip


@pytest.mark.parametrize("error", [LookupError("broken"), SystemExit(3)], ids=["an error", "an exit"])
@pytest.mark.parametrize("waits", [False, True], ids=["sync hook", "async hook"])
@pytest.mark.parametrize(("where", "frames"), FAILS.items(), ids=FAILS.keys())
def test_a_hook_that_fails_fails_what_it_is_told_of(
    where: str, frames: list[str], waits: bool, error: BaseException
) -> None:
    hook: FlowHook = Failing(where, error)
    session = two("sync", hooks=[Waiting(hook) if waits else hook]).stream_events()
    with pytest.raises(type(error)) as caught:
        list(session)
    assert caught.value is error
    assert transcript(session.frames) == frames


@pytest.mark.parametrize("where", ["method_failed", "flow_ended"])
def test_what_a_hook_raises_after_a_failure_is_logged(where: str, caplog: pytest.LogCaptureFixture) -> None:
    error = LookupError("broken")
    flow = two("async", raises(error), hooks=[Failing(where, ValueError("the hook, too"))])
    with pytest.raises(LookupError) as caught:
        flow.kickoff()
    assert caught.value is error
    assert "ValueError: the hook, too" in caplog.text


@pytest.mark.parametrize("waits", [False, True], ids=["sync hook", "async hook"])
def test_where_a_hook_fails_at_the_end_the_others_are_told_of_that(
    waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    inner, outer, error = Noting(), Noting(), LookupError("broken")
    failing: list[FlowHook] = [Failing("flow_ended", error), Failing("flow_ended", ValueError("the hook, too"))]
    hooks = [inner, *failing, outer]
    with pytest.raises(LookupError) as caught:
        two("sync", hooks=[Waiting(hook) if waits else hook for hook in hooks]).kickoff()
    assert caught.value is error
    assert [hook.notes[-1] for hook in (inner, outer)] == ["ended B of A", "ended LookupError('broken')"]
    assert "ValueError: the hook, too" in caplog.text


@pytest.mark.filterwarnings("error")
def test_a_run_may_be_cancelled_at_any_step_and_leaves_no_hook_unawaited() -> None:
    async def cancelled_after(steps: int) -> bool:
        """Return whether there was still something to cancel."""
        run = asyncio.create_task(two("async", hooks=[Waiting(Noting())]).kickoff_async())
        for _ in range(steps):
            await asyncio.sleep(0)
        if run.done():
            return False
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return True

    steps = 0
    while asyncio.run(cancelled_after(steps)):
        gc.collect()
        steps += 1
    assert steps > 10


def test_no_hook_is_told_of_the_end_of_a_run_that_was_closed() -> None:
    hook = Noting()
    blocked = threading.Event()

    class Blocked(Flow):
        @start()
        async def wait(self) -> None:
            blocked.set()
            await asyncio.Event().wait()

    with Blocked(hooks=[hook]).stream_events() as session:
        next(iter(session))
        assert blocked.wait(TIMEOUT_S)
    for thread in threading.enumerate():
        if thread.name == "harness-run":
            thread.join(TIMEOUT_S)
    assert hook.notes == ["before flow", "began", "before wait"]


def test_what_a_hook_keeps_under_a_run_goes_with_the_run() -> None:
    counts: WeakKeyDictionary[FlowRun, int] = WeakKeyDictionary()
    seen: list[int] = []

    class Counting(FlowHook):
        def before_method(self, run: FlowRun, call: MethodCall) -> None:
            counts[run] = counts.get(run, 0) + 1
            seen.append(counts[run])

    flow = two("sync", hooks=[Counting()])
    flow.kickoff()
    flow.kickoff()
    assert seen == [1, 2, 1, 2]
    # A thread lets go of what it worked for just after it has said that it is done.
    join_harness_threads()
    gc.collect()
    assert not counts
