"""Claims about plans: a saved one goes on to the same end from every step, and a foreign one is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from harness.errors import UsageError
from harness.flow import Flow, MethodResult, listen, or_, router, start
from harness.flow.graph.definition import FlowGraph, graph_of
from harness.flow.plan.calls import MethodCall
from harness.flow.plan.plan import Plan
from tests.flow.graph.graphs import Ends, flow_class
from tests.flow.graph.test_graphs import CASES, Case
from tests.flow.plan.plans import (
    MadeGraph,
    Run,
    graphs,
    restored_plan,
    runs_restored_at_every_step,
    through_json,
    through_pickle,
)

THROUGH = {"JSON": through_json, "pickle": through_pickle}


@pytest.mark.parametrize("through", THROUGH.values(), ids=THROUGH.keys())
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_plan_saved_and_restored_at_any_step_comes_to_the_same_end(case: Case, through: Callable[[Any], Any]) -> None:
    nodes = case.nodes()

    def first_free(running: list[MethodCall], ended: list[str]) -> MethodCall:
        return next(call for call in running if nodes[call.method.name].follows in {None, *ended})

    def does(call: MethodCall) -> Any:
        return nodes[call.method.name].does(*(call.args or (None,)))

    run = Run(graph_of(flow_class(nodes, "sync", Ends())), first_free, does)
    whole, *restored = runs_restored_at_every_step(run, through)
    assert run.end[2] == case.result
    assert len(restored) == 2 * len(run.lines), "after each beginning and each end"
    for one in restored:
        assert one == whole


@given(graphs())
@settings(max_examples=40)
def test_so_it_does_for_any_graph(graph: MadeGraph) -> None:
    whole, *restored = runs_restored_at_every_step(graph.run(), through_json)
    for one in restored:
        assert one == whole


# What a plan says.


class Branches(Flow):
    @start()
    def left(self) -> None: ...

    @start()
    def right(self) -> None: ...

    @listen(left)
    def after_left(self, value: Any) -> None: ...


def begun(plan: Plan) -> dict[str, MethodCall]:
    """Begin all that is due, and return it by name."""
    calls = plan.due()
    for call in calls:
        plan.begun(call)
    return {call.method.name: call for call in calls}


def due(plan: Plan) -> list[str]:
    return [call.method.name for call in plan.due()]


DEFINITION = graph_of(Branches)


def test_what_had_begun_is_due_again_and_what_was_done_never_is() -> None:
    plan = Plan.begin(DEFINITION)
    plan.done(begun(plan)["left"], MethodResult("done"))
    restored = restored_plan(DEFINITION, through_json(plan.saved()))
    assert (due(plan), due(restored)) == (["after_left"], ["right", "after_left"])
    assert restored.due()[1].args == ("done",)
    assert (restored.outputs, restored.is_over) == (["done"], False)


class Before(Flow):
    @start()
    def begin(self) -> None: ...

    @listen(begin)
    def one(self, value: Any) -> None: ...

    @listen(begin)
    def two(self) -> None: ...


class Since(Before):
    """The same graph, in which one method takes less by now, and another one more."""

    def one(self) -> None: ...  # type: ignore[override]

    def two(self, value: Any) -> None: ...  # type: ignore[override]


class Routing(Before):
    """The same graph, in which a listener is a router by now."""

    @router(Before.begin)
    def two(self) -> str:  # type: ignore[override]
        return "left"

    @listen(two)
    def beside(self) -> None: ...

    @listen("left")
    def after(self) -> None: ...


def test_a_listener_that_is_a_router_where_it_is_restored_routes() -> None:
    plan = Plan.begin(graph_of(Before))
    plan.done(begun(plan)["begin"], MethodResult())
    plan.done(begun(plan)["one"], MethodResult())
    restored = restored_plan(graph_of(Routing), through_json(plan.saved()))
    restored.done(begun(restored)["two"], MethodResult("left"))
    assert due(restored) == ["beside"]
    restored.done(begun(restored)["beside"], MethodResult())
    assert due(restored) == ["after"]


def test_a_call_gets_what_its_method_takes_where_it_is_restored() -> None:
    plan = Plan.begin(graph_of(Before))
    plan.done(begun(plan)["begin"], MethodResult("begun"))
    assert {call.method.name: call.args for call in plan.due()} == {"one": ("begun",), "two": ()}
    restored = restored_plan(graph_of(Since), through_json(plan.saved()))
    assert {call.method.name: call.args for call in restored.due()} == {"one": (), "two": ("begun",)}


def test_what_has_paused_is_due_where_it_is_restored_with_what_its_method_returned() -> None:
    plan = Plan.begin(DEFINITION)
    calls = begun(plan)
    plan.paused(calls["left"], ["a draft"])
    plan.done(calls["right"], MethodResult())
    assert (due(plan), plan.is_over) == ([], False)
    plan = restored_plan(DEFINITION, through_json(plan.saved()))
    assert begun(plan)["left"].was_paused
    # Saved once more after it has begun again, it is what it was.
    plan = restored_plan(DEFINITION, through_json(plan.saved()))
    call = begun(plan)["left"]
    assert (call.was_paused, call.output) == (True, ["a draft"])
    plan.done(call, MethodResult("approved"))
    assert (due(plan), plan.outputs) == (["after_left"], [None, "approved"])


def test_a_call_that_paused_before_its_method_returned_had_no_output() -> None:
    plan = Plan.begin(DEFINITION)
    plan.paused(begun(plan)["left"])
    (left, _) = restored_plan(DEFINITION, plan.saved()).due()
    assert (left.was_paused, left.output) == (True, None)


def test_what_methods_returned_is_saved_as_the_object_that_it_is() -> None:
    output = object()
    plan = Plan.begin(DEFINITION)
    plan.done(begun(plan)["left"], MethodResult(output))
    restored = restored_plan(DEFINITION, through_json(plan.saved()))
    assert restored.outputs[0] is output
    assert restored.due()[1].args[0] is output


def test_a_label_may_give_its_listeners_another_value_than_the_method() -> None:
    class Routed(Flow):
        @start()
        def draft(self) -> None: ...

        @router(draft)
        def review(self) -> str | None: ...

        @listen("approved")
        def publish(self, result: Any) -> None: ...

        @listen(review)
        def count(self, value: Any) -> None: ...

    plan = Plan.begin(graph_of(Routed))
    plan.done(begun(plan)["draft"], MethodResult())
    plan.done(begun(plan)["review"], MethodResult(None, label="approved", routed={"feedback": "fine"}))
    assert (due(plan), plan.result) == (["count"], None)
    plan.done(begun(plan)["count"], MethodResult())
    assert [(call.method.name, call.args) for call in plan.due()] == [("publish", ({"feedback": "fine"},))]


def test_calls_of_one_method_are_numbered() -> None:
    class Cycle(Flow):
        @start()
        def begin(self) -> None: ...

        @listen(or_(begin, "again"))
        def work(self) -> None: ...

        @router(work)
        def check(self) -> str | None: ...

    plan = Plan.begin(graph_of(Cycle))
    numbers: list[int] = []
    sizes: list[int] = []
    for _ in range(60):
        (call,) = begun(plan).values()
        plan.done(call, MethodResult("again" if call.method.name == "check" else None))
        if call.method.name == "work":
            numbers.append(call.number)
            sizes.append(len(plan.saved()["state"]["waves"]))
    assert numbers == list(range(1, 31))
    assert sizes[1] == sizes[-1], "what waits does not pile up, round for round"


def test_a_plan_without_anything_to_begin_with_is_over() -> None:
    plan = Plan.begin(FlowGraph({}))
    assert (plan.is_over, plan.due(), plan.result) == (True, [], None)


# What is no saved plan of this flow.


def saved() -> dict[str, Any]:
    plan = Plan.begin(DEFINITION)
    plan.done(begun(plan)["left"], MethodResult("done"))
    return copy.deepcopy(plan.saved())


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """Return a saved plan with one part changed; a missing part is a number for the first key."""
    whole = saved()
    part: Any = whole
    for key in path[:-1]:
        part = part[next(iter(part)) if key == 0 and isinstance(part, dict) else key]
    part[path[-1]] = to
    return whole


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "something else": (lambda: ["a list"], "is a dict with the version 1, a state and values"),
    "another version": (lambda: changed("version", to=2), "with the version 1"),
    "no values": (lambda: changed("values", to=None), "a state and values"),
    "no state": (lambda: changed("state", to=None), "state of a saved plan can't be read: Expected `object`"),
    "a state of another form": (
        lambda: changed("state", "calls", 0, "number", to="many"),
        r"Expected `int`, got `str` - at `\$\.calls\[\.\.\.\]\.number`",
    ),
    "a method of another flow": (
        lambda: changed("state", "calls", 0, "method", to="up"),
        "speaks of a method 'up', and there are left, right, after_left",
    ),
    "a listener of another flow": (lambda: changed("state", "progress", "fired", to=["up"]), "a method 'up'"),
    "a wave that is not there": (
        lambda: changed("state", "calls", 0, "wave", to=99),
        "a wave 99 that it does not hold",
    ),
    "a value that is not there": (lambda: changed("state", "outputs", to=[7]), "a value 7, and holds 1"),
    "a value before the first": (lambda: changed("state", "outputs", to=[-1]), "a value -1"),
}


@pytest.mark.parametrize(("made", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_saved_plan_of_this_flow_is_refused(made: Callable[[], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        restored_plan(DEFINITION, made())
