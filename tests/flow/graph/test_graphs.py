"""Claims about the order of a run: one table of graphs, each run with sync and with async methods."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from harness.flow import MethodCallLimitError, and_, listen, or_, router, start
from tests.flow.graph.graphs import KINDS, Kind, Node, collected, flow_class, transcript, watched_ends


class Mood(enum.Enum):
    GLAD = "glad"


def gives(*values: Any) -> Callable[[Any], Any]:
    """Return what gives these values, one at each call, and goes on with the last."""
    left = list(values)

    def give(_value: Any) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    return give


def says(text: str) -> Callable[[Any], Any]:
    """Return what names itself and its argument."""
    return lambda value: f"{text}({'' if value is None else value})"


@dataclass(frozen=True)
class Case:
    """A graph, made anew for each run; the order of its methods; its result."""

    nodes: Callable[[], Mapping[str, Node]]
    order: str
    result: Any


Step = Callable[[str], Node]


def step(
    role: Callable[[Any], Any], *values: Any, does: Callable[[Any], Any] | None = None, follows: str | None = None
) -> Step:
    """Return what makes a method that gives `values`, or, without any, names itself."""
    return lambda name: Node(role, does or (gives(*values) if values else says(name.upper())), follows)


def case(order: str, result: Any, **steps: Step) -> Case:
    return Case(lambda: {name: step(name) for name, step in steps.items()}, order, result)


#: In an order, a method that runs while nothing else begins or ends is named once; `t` is the seq of what triggered it.
CASES: dict[str, Case] = {
    "one start": case("a", "A()", a=step(start())),
    "no result": case("a", None, a=step(start(), None)),
    "two starts, and_, router, label, or_": case(
        "a started, b started, a finished, b finished, join t5, route t7, last t7, onward t9",
        "ONWARD(go)",
        a=step(start()),
        b=step(start(), follows="a"),
        join=step(listen(and_("a", "b"))),
        route=step(router("join"), "go"),
        onward=step(listen("go")),
        last=step(listen(or_("join", "onward"))),
    ),
    "and_ gives the result of what completed it": case(
        "a started, b started, a finished, b finished, join t5",
        "JOIN(B())",
        a=step(start()),
        b=step(start(), follows="a"),
        join=step(listen(and_("a", "b"))),
    ),
    "or_ fires for the first only": case(
        "a started, b started, a finished, either started t4, b finished, either finished t4",
        "EITHER(A())",
        a=step(start()),
        b=step(start(), follows="a"),
        either=step(listen(or_("a", "b")), follows="b"),
    ),
    "listeners of one method run side by side": case(
        "a, left started t3, right t3, left finished t3",
        "LEFT(A())",
        a=step(start()),
        left=step(listen("a"), follows="right"),
        right=step(listen("a")),
    ),
    "a slow start does not hold up what follows another": case(
        "slow started, quick, after t4, slow finished",
        "SLOW()",
        slow=step(start(), follows="after"),
        quick=step(start()),
        after=step(listen("quick")),
    ),
    "routers chain before listeners": case(
        "a, first t3, second t5, plain t3, one t5, two t7",
        "TWO(two-label)",
        a=step(start()),
        plain=step(listen("a")),
        first=step(router("a"), "one-label"),
        second=step(router("one-label"), "two-label"),
        one=step(listen("one-label")),
        two=step(listen("two-label")),
    ),
    "an enum's value is a label": case(
        "a, route t3, smile t5",
        "SMILE(glad)",
        a=step(start()),
        route=step(router("a"), Mood.GLAD),
        smile=step(listen(Mood.GLAD)),
    ),
    "what is no text is a label as it reads, and its listeners get what it is": case(
        "a, route t3, off t5",
        "OFF(False)",
        a=step(start()),
        route=step(router("a"), False),
        off=step(listen("False"), does=lambda value: f"OFF({value!r})"),
    ),
    "a router that returns None sets nothing going": case(
        "a, route t3", None, a=step(start()), route=step(router("a"), None), never=step(listen("None"))
    ),
    "a router's name is followed before its label": case(
        "a, route t3, named t5, labelled t5",
        "LABELLED(go)",
        a=step(start()),
        route=step(router("a"), "go"),
        labelled=step(listen("go")),
        named=step(listen("route")),
    ),
    "a start may be a router": case(
        "route, onward t3",
        "ONWARD(go)",
        route=step(lambda function: start()(router()(function)), "go"),
        onward=step(listen("go")),
    ),
    "a conditional start waits for its label": case(
        "a, route t3, later t5", "LATER()", a=step(start()), later=step(start("go")), route=step(router("a"), "go")
    ),
    "a conditional start waits for a method": case("a, later t3", "LATER()", a=step(start()), later=step(start("a"))),
    "where every start has a condition, all run at kickoff": case(
        "a", "A()", a=step(start("go")), route=step(router("go"), None)
    ),
    "a cycle, in which or_ fires anew": case(
        "a, work t3, check t5, work t7, check t9, end t11",
        "END(done)",
        a=step(start()),
        work=step(listen(or_("a", "again"))),
        check=step(router("work"), "again", "done"),
        end=step(listen("done")),
    ),
    "and_ starts anew in a cycle": case(
        "a, left t3, join t5, check t7, left t9",
        "LEFT(again)",
        a=step(start()),
        left=step(listen(or_("a", "again"))),
        join=step(listen(and_("a", "left"))),
        check=step(router("join"), "again", None),
    ),
    "running again lets every or_ fire anew": case(
        "a, work t3, left t5, tail t7, check t9, work t11, left t13, tail t15, check t17",
        None,
        a=step(start()),
        work=step(listen(or_("a", "again"))),
        left=step(listen("work")),
        tail=step(listen(or_("left", "elsewhere"))),
        check=step(router("tail"), "again", None),
    ),
    "a start that also listens to its label runs once for it": case(
        "a, route t3, both t5",
        "BOTH(go)",
        a=step(start()),
        route=step(router("a"), "go"),
        both=step(lambda function: start("go")(listen("go")(function))),
    ),
    "a start that is also a router of its label runs once for it": case(
        "a, route t3, both t5, other t5",
        "OTHER(go)",
        a=step(start()),
        route=step(router("a"), "go"),
        both=step(lambda function: start("go")(router("go")(function)), None),
        other=step(listen("go")),
    ),
    "nested conditions": case(
        "a started, b started, a finished, b finished, both t5",
        "BOTH(B())",
        a=step(start()),
        b=step(start(), follows="a"),
        both=step(listen(or_(and_("a", "b"), and_("a", "both-label")))),
        route=step(router("never"), None),
        never=step(listen(and_("route", "both-label")), None),
    ),
}


def expected(order: str) -> list[str]:
    lines = ["Graph started"]
    for part in order.split(", "):
        name, *words = part.split()
        ends = [words.pop(0)] if words and words[0] in ("started", "finished") else ["started", "finished"]
        lines += [" ".join((name, end, "p1", *words)) for end in ends]
    return [*lines, "Graph finished"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_graph_runs_in_the_order_of_its_transcript(case: Case, kind: Kind) -> None:
    with watched_ends() as ends:
        session = flow_class(case.nodes(), kind, ends)().stream_events()
        assert transcript(session) == expected(case.order)
    assert session.result == case.result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_graph_runs_the_same_in_an_async_session(case: Case, kind: Kind) -> None:
    async def read() -> tuple[list[str], Any]:
        with watched_ends() as ends:
            session = flow_class(case.nodes(), kind, ends)().astream()
            return transcript(await collected(session)), session.result

    assert asyncio.run(read()) == (expected(case.order), case.result)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_plain_kickoff_returns_the_result(case: Case, kind: Kind) -> None:
    with watched_ends() as ends:
        assert flow_class(case.nodes(), kind, ends)().kickoff() == case.result


def cycle(*labels: str) -> dict[str, Node]:
    """Return a graph whose router gives these labels, and goes on with the last."""
    check = Node(router("work"), gives(*labels))
    return {"a": Node(start()), "work": Node(listen(or_("a", "again"))), "check": check}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cycle_without_end_is_an_error_that_names_the_method(kind: Kind) -> None:
    with watched_ends() as ends:
        flow = flow_class(cycle("again"), kind, ends)(max_method_calls=3)
        session = flow.stream_events()
        with pytest.raises(MethodCallLimitError, match="'work' has been called 3 times") as caught:
            list(session)
    assert isinstance(caught.value, RecursionError)
    assert transcript(session.frames)[-1] == "Graph failed"
    assert len(flow.method_outputs) == 7


def test_a_long_cycle_needs_no_deep_stack() -> None:
    rounds = 400
    with watched_ends() as ends:
        flow = flow_class(cycle(*["again"] * rounds, "done"), "async", ends)(max_method_calls=rounds + 1)
        assert flow.kickoff() == "done"
    assert len(flow.method_outputs) == 1 + 2 * (rounds + 1)
