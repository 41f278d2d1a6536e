"""Hooks that note what they are told, or restore a plan, and the flow of two methods that they are told of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from harness.bus import emit
from harness.errors import RunPaused
from harness.flow import Flow, FlowHook, FlowRun, MethodCall, MethodResult, listen, start
from tests.flow.graph.graphs import Kind, Node, Note, flow_class, watched_ends


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


class Restoring(FlowHook):
    """Puts a saved plan, and perhaps a state, into the run."""

    def __init__(self, plan: dict[str, Any], state: Any = None) -> None:
        self._plan, self._state = plan, state

    def before_flow(self, run: FlowRun) -> None:
        run.plan.restore(self._plan)
        if self._state is not None:
            run.state = self._state
