"""Plans run without an engine: what is due begins at once, and one call after the other ends, in an order that is given."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from harness.flow import Flow, MethodCallLimitError, MethodResult, and_, listen, or_, router, start
from harness.flow.graph.conditions import Joined
from harness.flow.graph.definition import FlowGraph, graph_of
from harness.flow.plan.calls import MethodCall
from harness.flow.plan.plan import Plan


def through_json(saved: dict[str, Any]) -> dict[str, Any]:
    """Return a saved plan after it has been JSON, but for what the flow's methods returned."""
    plain = json.loads(json.dumps({name: part for name, part in saved.items() if name != "values"}))
    return {**plain, "values": saved["values"]}


def through_pickle(saved: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = pickle.loads(pickle.dumps(saved))
    return copy


def restored_plan(definition: FlowGraph, saved: Any, max_calls: int = 100) -> Plan:
    plan = Plan.begin(definition, max_calls)
    plan.restore(saved)
    return plan


#: Which of the running calls, in the order of their ids, ends next, given those and how many have ended.
Choose = Callable[[list[MethodCall], list[str]], MethodCall]


@dataclass
class Run:
    """How one plan ran: a line for each call that ended, and what else there is to compare."""

    definition: FlowGraph
    choose: Choose
    does: Callable[[MethodCall], Any]
    max_calls: int = 100
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    #: The methods in the order of their ends.
    ended: list[str] = field(default_factory=list)
    end: Any = None

    def to_end(self, plan: Plan, *, after: Callable[[Plan], object] = lambda plan: None) -> Run:
        """Run a plan to its end; `after` is called with it after each step."""
        running: dict[int, MethodCall] = {}
        try:
            while not plan.is_over:
                for call in plan.due():
                    plan.begun(call)
                    running[call.id] = call
                    after(plan)
                call = self.choose([running[key] for key in sorted(running)], self.ended)
                del running[call.id]
                output = self.does(call)
                self.ended.append(call.method.name)
                plan.done(call, MethodResult(output), f"end {len(self.ended)}")
                self.lines.append((call.method.name, call.number, call.args, call.triggered_by, output))
                after(plan)
            self.end = ("over", plan.outputs, plan.result)
        except MethodCallLimitError as error:
            self.end = ("limit", str(error))
        return self


def runs_restored_at_every_step(
    run: Run, through: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[tuple[list[Any], Any]]:
    """Run `run` to its end, and once more from each of its steps on; yield the lines and the end of each.

    What a call returns the second time is what it returned the first time.
    """
    outputs: dict[tuple[str, int], Any] = {}
    forks: list[tuple[dict[str, Any], int]] = []
    does = run.does

    def remembered(call: MethodCall) -> Any:
        return outputs.setdefault((call.method.name, call.number), does(call))

    run.does = remembered
    run.to_end(
        Plan.begin(run.definition, run.max_calls), after=lambda plan: forks.append((plan.saved(), len(run.lines)))
    )
    yield run.lines, run.end
    for saved, count in forks:
        rest = Run(run.definition, run.choose, lambda call: outputs[call.method.name, call.number], run.max_calls)
        rest.lines, rest.ended = run.lines[:count], run.ended[:count]
        rest.to_end(restored_plan(run.definition, through(saved), run.max_calls))
        yield rest.lines, rest.end


# Graphs made by hypothesis.

LABELS = ("a", "b", "c")


@dataclass(frozen=True)
class MadeGraph:
    """A graph, what its routers return at their first calls, and which of several running calls ends next."""

    definition: FlowGraph
    routes: dict[str, list[str | None]]
    order: list[int]

    def run(self) -> Run:
        def choose(running: list[MethodCall], ended: list[str]) -> MethodCall:
            return running[self.order[len(ended) % len(self.order)] % len(running)]

        def does(call: MethodCall) -> Any:
            name = call.method.name
            if call.method.role.is_router:
                return self.routes[name][(call.number - 1) % len(self.routes[name])]
            return f"{name}-{call.number}"

        return Run(self.definition, choose, does, max_calls=4)


@st.composite
def graphs(draw: st.DrawFn) -> MadeGraph:
    """Graphs of up to eight methods of all kinds, with conditions over each other's names and three labels."""
    names = [f"m{number}" for number in range(draw(st.integers(1, 8)))]

    def condition(own: str) -> st.SearchStrategy[str | Joined]:
        return st.recursive(
            st.sampled_from([name for name in (*names, *LABELS) if name != own]),
            lambda parts: st.lists(parts, min_size=1, max_size=3).flatmap(
                lambda chosen: st.sampled_from([and_(*chosen), or_(*chosen)])
            ),
            max_leaves=4,
        )

    def decorated(name: str, kind: str) -> Any:
        if draw(st.booleans()):

            def method(self: Any, value: Any = None) -> None: ...

        else:

            def method(self: Any) -> None: ...  # type: ignore[misc]

        method.__name__ = name
        match kind:
            case "start":
                return start()(method)
            case "routing start":
                return start()(router()(method))
            case "listener":
                return listen(draw(condition(name)))(method)
            case "router":
                return router(draw(condition(name)))(method)
            case "start again":
                return start(draw(condition(name)))(method)
            case _:
                return start(draw(condition(name)))(listen(draw(condition(name)))(method))

    kinds = st.sampled_from(["listener", "router", "start", "routing start", "start again", "both"])
    methods = {"m0": decorated("m0", draw(st.sampled_from(["start", "routing start"])))}
    methods |= {name: decorated(name, draw(kinds)) for name in names[1:]}
    # A router whose labels can't be told, so that any name may be listened to.
    methods["open"] = router("m0")(lambda self: None)
    methods["open"].__name__ = "open"
    routes = {
        name: draw(st.lists(st.sampled_from([*LABELS, None]), min_size=1, max_size=4)) for name in (*names, "open")
    }
    order = draw(st.lists(st.integers(0, 7), min_size=1, max_size=8))
    return MadeGraph(graph_of(type("Made", (Flow,), methods)), routes, order)
