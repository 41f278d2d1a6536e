"""Claims about hooks: when each is told, what it may change, and that saving and waiting can be built of them alone."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.bus.bus import emit
from harness.errors import RunPaused, UsageError
from harness.events import BaseEvent
from harness.flow import Flow, FlowHook, FlowRun, MethodCall, MethodResult, and_, listen, router, start, with_hook
from harness.flow.graph.definition import graph_of
from harness.flow.kickoff import Kickoff
from harness.flow.plan.plan import Plan
from tests.flow.graphs import KINDS, TIMEOUT_S, Kind, Node, flow_class, transcript, watched_ends


class Note(BaseEvent):
    """Something that a hook emits."""

    type: str = "note"
    what: str


class Noting(FlowHook):
    """Notes what it is told, and emits it."""

    def __init__(self, name: str = "", notes: list[str] | None = None) -> None:
        self._name = f"{name} " if name else ""
        self.notes: list[str] = [] if notes is None else notes

    def note(self, run: FlowRun, what: str) -> None:
        self.notes.append(self._name + what)
        emit(run.flow, Note(what=what))

    def before_flow(self, run: FlowRun) -> None:
        self.note(run, "before flow")

    def flow_began(self, run: FlowRun) -> None:
        self.note(run, "began")

    def before_method(self, run: FlowRun, call: MethodCall) -> None:
        self.note(run, f"before {call.method.name}")

    def after_method(self, run: FlowRun, call: MethodCall, result: MethodResult) -> None:
        self.note(run, f"after {call.method.name} {result.output}")

    def method_done(self, run: FlowRun, call: MethodCall, result: MethodResult) -> None:
        due = [other.method.name for other in run.plan.due()]
        self.note(run, f"done {call.method.name} {result.output}, due {due}")

    def method_paused(self, run: FlowRun, call: MethodCall, pause: RunPaused) -> None:
        self.note(run, f"paused {call.method.name} {pause}")

    def method_failed(self, run: FlowRun, call: MethodCall, error: BaseException) -> None:
        self.note(run, f"failed {call.method.name} {error}")

    def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        self.note(run, f"ended {result if error is None else repr(error)}")


class Waiting(FlowHook):
    """Does as another hook, but only after a turn of the loop."""

    def __init__(self, hook: FlowHook) -> None:
        self._hook = hook

    def __getattribute__(self, name: str) -> Any:
        own = super().__getattribute__
        if name not in vars(FlowHook) or name.startswith("_"):
            return own(name)
        method = getattr(own("_hook"), name)

        async def told(*args: Any) -> Any:
            await asyncio.sleep(0)
            return method(*args)

        return told


def raises(error: BaseException) -> Callable[[Any], None]:
    def fail(_value: Any) -> None:
        raise error

    return fail


def two(kind: Kind, does: Callable[[Any], Any] = lambda value: f"B of {value}", **options: Any) -> Flow:
    """Return a flow of two methods, the second of which does `does`."""
    nodes = {"a": Node(start(), lambda _value: "A"), "b": Node(listen("a"), does)}
    with watched_ends() as ends:
        return flow_class(nodes, kind, ends)(**options)


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
    list(flow._session(Kickoff(), [Noting("run", notes)]))
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

    @with_hook(Noting("left", notes))
    class Left(Flow):
        @start()
        def a(self) -> None: ...

    class Right(Flow):
        @start()
        def a(self) -> None: ...

    Right().kickoff()
    assert notes == []


def test_a_method_with_a_hook_that_nothing_triggers_is_refused() -> None:
    class Wrong(Flow):
        @start()
        def begin(self) -> None: ...

        @with_hook(Noting())
        def after(self) -> None: ...

    with pytest.raises(UsageError, match=r"Wrong\.after has a hook and nothing that triggers it"):
        Wrong()


# What a hook may change.


class Giving(FlowHook):
    """Gives a result before or after the methods that it names."""

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
    """Raises in one of its methods."""

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


# Pausing, built of a hook alone.


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


class Restoring(FlowHook):
    """Puts a saved plan, and perhaps a state, into the run."""

    def __init__(self, plan: dict[str, Any], state: Any = None) -> None:
        self._plan, self._state = plan, state

    def before_flow(self, run: FlowRun) -> None:
        run.plan.restore(self._plan)
        if self._state is not None:
            run.state = self._state


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
    resumed = reviewed(Approval("yes"), ran)(suppress_flow_events=suppressed)
    session = resumed._session(Kickoff(), [Restoring(json.loads(json.dumps(waiting.plan)))])
    list(session)
    assert sorted(ran) == ["after beside", "beside", "draft", "publish"]
    assert sorted(resumed.method_outputs) == ["after beside", "beside", "the draft", "yes to the draft"]


def test_a_run_that_is_resumed_without_an_answer_pauses_again() -> None:
    ran: list[str] = []
    waiting = Approval()
    reviewed(waiting, ran)().kickoff()
    again = Approval()
    session = reviewed(again, ran)()._session(Kickoff(), [Restoring(waiting.plan)])
    list(session)
    assert isinstance(session.result, RunPaused)
    assert ran.count("draft") == 1
    list(reviewed(Approval("no"), ran)()._session(Kickoff(), [Restoring(again.plan)]))
    assert sorted(ran) == ["after beside", "beside", "draft", "drop"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_may_pause_by_itself(kind: Kind) -> None:
    pause = RunPaused()
    session = two(kind, raises(pause)).stream_events()
    assert transcript(session)[-3:] == ["b started p1 t3", "b paused p1 t3", "b paused"]
    assert session.result is pause


# Saving, built of a hook alone.


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

    flow = Reads()
    plan = Plan.begin(graph_of(Reads)).saved()
    restoring = Restoring(plan, {"id": "x", "topic": "rain", "days": 3})
    session = flow._session(Kickoff({"topic": "snow"}), [restoring])
    list(session)
    assert session.result == {"id": "x", "topic": "snow", "days": 3}


KILLED = f"""
from __future__ import annotations
import json, os, sys, threading
from pathlib import Path
from harness.flow import Flow, FlowHook, and_, listen, start

{inspect.getsource(Saving)}

folder, survives = Path(sys.argv[1]), sys.argv[2] == "survives"
saved = threading.Event()

class Telling(Saving):
    def method_done(self, run, call, result):
        super().method_done(run, call, result)
        if call.method.name == "after_left":
            saved.set()

def did(what):
    with (folder / "did").open("a") as log:
        log.write(what + "\\n")

class Branches(Flow):
    @start()
    def left(self):
        did("left")
        return "L"

    @listen(left)
    def after_left(self, value):
        did("after left")
        return value + "L"

    @start()
    def right(self):
        if not survives:
            saved.wait()
            os._exit(9)
        did("right")
        return "R"

    @listen(and_(after_left, right))
    def join(self, value):
        did("join")
        return ",".join(self.method_outputs)

print(Branches(hooks=[Telling(folder / "run.json")]).kickoff())
"""


def test_a_process_that_was_killed_between_branches_is_followed_by_one_that_goes_on(tmp_path: Path) -> None:
    def run(fate: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-W", "error", "-c", KILLED, str(tmp_path), fate]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)

    killed, survived = run("is killed"), run("survives")
    assert (killed.returncode, killed.stdout) == (9, "")
    assert (survived.stdout, survived.stderr) == ("L,LL,R\n", "")
    assert (tmp_path / "did").read_text().splitlines() == ["left", "after left", "right", "join"]
