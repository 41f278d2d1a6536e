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
    """A graph, made anew for each run; its transcript without the first and the last line; its result."""

    nodes: Callable[[], Mapping[str, Node]]
    lines: str
    result: Any


def case(lines: str, result: Any, **nodes: tuple[Any, ...]) -> Case:
    def made() -> dict[str, Node]:
        return {name: Node(given[0], given[1](), *given[2:]) for name, given in nodes.items()}

    return Case(made, lines, result)


CASES: dict[str, Case] = {
    "one start": case(
        """
        a started p1
        a finished p1
        """,
        "A()",
        a=(start(), lambda: says("A")),
    ),
    "no result": case(
        """
        a started p1
        a finished p1
        """,
        None,
        a=(start(), lambda: gives(None)),
    ),
    "two starts, and_, router, label, or_": case(
        """
        a started p1
        b started p1
        a finished p1
        b finished p1
        join started p1 t5
        join finished p1 t5
        route started p1 t7
        route finished p1 t7
        last started p1 t7
        last finished p1 t7
        onward started p1 t9
        onward finished p1 t9
        """,
        "ONWARD(go)",
        a=(start(), lambda: says("A")),
        b=(start(), lambda: says("B"), "a"),
        join=(listen(and_("a", "b")), lambda: says("JOIN")),
        route=(router("join"), lambda: gives("go")),
        onward=(listen("go"), lambda: says("ONWARD")),
        last=(listen(or_("join", "onward")), lambda: says("LAST")),
    ),
    "and_ gives the result of what completed it": case(
        """
        a started p1
        b started p1
        a finished p1
        b finished p1
        join started p1 t5
        join finished p1 t5
        """,
        "JOIN(B())",
        a=(start(), lambda: says("A")),
        b=(start(), lambda: says("B"), "a"),
        join=(listen(and_("a", "b")), lambda: says("JOIN")),
    ),
    "or_ fires for the first only": case(
        """
        a started p1
        b started p1
        a finished p1
        either started p1 t4
        b finished p1
        either finished p1 t4
        """,
        "EITHER(A())",
        a=(start(), lambda: says("A")),
        b=(start(), lambda: says("B"), "a"),
        either=(listen(or_("a", "b")), lambda: says("EITHER"), "b"),
    ),
    "listeners of one method run side by side": case(
        """
        a started p1
        a finished p1
        left started p1 t3
        right started p1 t3
        right finished p1 t3
        left finished p1 t3
        """,
        "LEFT(A())",
        a=(start(), lambda: says("A")),
        left=(listen("a"), lambda: says("LEFT"), "right"),
        right=(listen("a"), lambda: says("RIGHT")),
    ),
    "a slow start does not hold up what follows another": case(
        """
        slow started p1
        quick started p1
        quick finished p1
        after started p1 t4
        after finished p1 t4
        slow finished p1
        """,
        "SLOW()",
        slow=(start(), lambda: says("SLOW"), "after"),
        quick=(start(), lambda: says("QUICK")),
        after=(listen("quick"), lambda: says("AFTER")),
    ),
    "routers chain before listeners": case(
        """
        a started p1
        a finished p1
        first started p1 t3
        first finished p1 t3
        second started p1 t5
        second finished p1 t5
        plain started p1 t3
        plain finished p1 t3
        one started p1 t5
        one finished p1 t5
        two started p1 t7
        two finished p1 t7
        """,
        "TWO(two-label)",
        a=(start(), lambda: says("A")),
        plain=(listen("a"), lambda: says("PLAIN")),
        first=(router("a"), lambda: gives("one-label")),
        second=(router("one-label"), lambda: gives("two-label")),
        one=(listen("one-label"), lambda: says("ONE")),
        two=(listen("two-label"), lambda: says("TWO")),
    ),
    "an enum's value is a label": case(
        """
        a started p1
        a finished p1
        route started p1 t3
        route finished p1 t3
        smile started p1 t5
        smile finished p1 t5
        """,
        "SMILE(glad)",
        a=(start(), lambda: says("A")),
        route=(router("a"), lambda: gives(Mood.GLAD)),
        smile=(listen(Mood.GLAD), lambda: says("SMILE")),
    ),
    "what is no text is a label as it reads, and its listeners get what it is": case(
        """
        a started p1
        a finished p1
        route started p1 t3
        route finished p1 t3
        off started p1 t5
        off finished p1 t5
        """,
        "OFF(False)",
        a=(start(), lambda: says("A")),
        route=(router("a"), lambda: gives(False)),
        off=(listen("False"), lambda: lambda value: f"OFF({value!r})"),
    ),
    "a router that returns None sets nothing going": case(
        """
        a started p1
        a finished p1
        route started p1 t3
        route finished p1 t3
        """,
        None,
        a=(start(), lambda: says("A")),
        route=(router("a"), lambda: gives(None)),
        never=(listen("None"), lambda: says("NEVER")),
    ),
    "a router's name is followed before its label": case(
        """
        a started p1
        a finished p1
        route started p1 t3
        route finished p1 t3
        named started p1 t5
        named finished p1 t5
        labelled started p1 t5
        labelled finished p1 t5
        """,
        "LABELLED(go)",
        a=(start(), lambda: says("A")),
        route=(router("a"), lambda: gives("go")),
        labelled=(listen("go"), lambda: says("LABELLED")),
        named=(listen("route"), lambda: says("NAMED")),
    ),
    "a start may be a router": case(
        """
        route started p1
        route finished p1
        onward started p1 t3
        onward finished p1 t3
        """,
        "ONWARD(go)",
        route=(lambda function: start()(router()(function)), lambda: gives("go")),
        onward=(listen("go"), lambda: says("ONWARD")),
    ),
    "a conditional start waits for its label": case(
        """
        a started p1
        a finished p1
        route started p1 t3
        route finished p1 t3
        later started p1 t5
        later finished p1 t5
        """,
        "LATER()",
        a=(start(), lambda: says("A")),
        later=(start("go"), lambda: says("LATER")),
        route=(router("a"), lambda: gives("go")),
    ),
    "a conditional start waits for a method": case(
        """
        a started p1
        a finished p1
        later started p1 t3
        later finished p1 t3
        """,
        "LATER()",
        a=(start(), lambda: says("A")),
        later=(start("a"), lambda: says("LATER")),
    ),
    "where every start has a condition, all run at kickoff": case(
        """
        a started p1
        a finished p1
        """,
        "A()",
        a=(start("go"), lambda: says("A")),
        route=(router("go"), lambda: gives(None)),
    ),
    "a cycle, in which or_ fires anew": case(
        """
        a started p1
        a finished p1
        work started p1 t3
        work finished p1 t3
        check started p1 t5
        check finished p1 t5
        work started p1 t7
        work finished p1 t7
        check started p1 t9
        check finished p1 t9
        end started p1 t11
        end finished p1 t11
        """,
        "END(done)",
        a=(start(), lambda: says("A")),
        work=(listen(or_("a", "again")), lambda: says("WORK")),
        check=(router("work"), lambda: gives("again", "done")),
        end=(listen("done"), lambda: says("END")),
    ),
    "and_ starts anew in a cycle": case(
        """
        a started p1
        a finished p1
        left started p1 t3
        left finished p1 t3
        join started p1 t5
        join finished p1 t5
        check started p1 t7
        check finished p1 t7
        left started p1 t9
        left finished p1 t9
        """,
        "LEFT(again)",
        a=(start(), lambda: says("A")),
        left=(listen(or_("a", "again")), lambda: says("LEFT")),
        join=(listen(and_("a", "left")), lambda: says("JOIN")),
        check=(router("join"), lambda: gives("again", None)),
    ),
    "running again lets every or_ fire anew": case(
        """
        a started p1
        a finished p1
        work started p1 t3
        work finished p1 t3
        left started p1 t5
        left finished p1 t5
        tail started p1 t7
        tail finished p1 t7
        check started p1 t9
        check finished p1 t9
        work started p1 t11
        work finished p1 t11
        left started p1 t13
        left finished p1 t13
        tail started p1 t15
        tail finished p1 t15
        check started p1 t17
        check finished p1 t17
        """,
        None,
        a=(start(), lambda: says("A")),
        work=(listen(or_("a", "again")), lambda: says("WORK")),
        left=(listen("work"), lambda: says("LEFT")),
        tail=(listen(or_("left", "elsewhere")), lambda: says("TAIL")),
        check=(router("tail"), lambda: gives("again", None)),
    ),
    "a start that also listens to its label runs once for it": case(
        """
        a started p1
        a finished p1
        route started p1 t3
        route finished p1 t3
        both started p1 t5
        both finished p1 t5
        """,
        "BOTH(go)",
        a=(start(), lambda: says("A")),
        route=(router("a"), lambda: gives("go")),
        both=(lambda function: start("go")(listen("go")(function)), lambda: says("BOTH")),
    ),
    "a start that is also a router of its label runs once for it": case(
        """
        a started p1
        a finished p1
        route started p1 t3
        route finished p1 t3
        both started p1 t5
        both finished p1 t5
        other started p1 t5
        other finished p1 t5
        """,
        "OTHER(go)",
        a=(start(), lambda: says("A")),
        route=(router("a"), lambda: gives("go")),
        both=(lambda function: start("go")(router("go")(function)), lambda: gives(None)),
        other=(listen("go"), lambda: says("OTHER")),
    ),
    "nested conditions": case(
        """
        a started p1
        b started p1
        a finished p1
        b finished p1
        both started p1 t5
        both finished p1 t5
        """,
        "BOTH(B())",
        a=(start(), lambda: says("A")),
        b=(start(), lambda: says("B"), "a"),
        both=(listen(or_(and_("a", "b"), and_("a", "both-label"))), lambda: says("BOTH")),
        route=(router("never"), lambda: gives(None)),
        never=(listen(and_("route", "both-label")), lambda: gives(None)),
    ),
}


def expected(lines: str) -> list[str]:
    return ["Graph started", *[line.strip() for line in lines.strip().splitlines()], "Graph finished"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_graph_runs_in_the_order_of_its_transcript(case: Case, kind: Kind) -> None:
    with watched_ends() as ends:
        session = flow_class(case.nodes(), kind, ends)().stream_events()
        assert transcript(session) == expected(case.lines)
    assert session.result == case.result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_graph_runs_the_same_in_an_async_session(case: Case, kind: Kind) -> None:
    async def read() -> tuple[list[str], Any]:
        with watched_ends() as ends:
            session = flow_class(case.nodes(), kind, ends)().astream()
            return transcript(await collected(session)), session.result

    assert asyncio.run(read()) == (expected(case.lines), case.result)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_plain_kickoff_returns_the_result(case: Case, kind: Kind) -> None:
    with watched_ends() as ends:
        assert flow_class(case.nodes(), kind, ends)().kickoff() == case.result


@pytest.mark.parametrize("kind", KINDS)
def test_a_cycle_without_end_is_an_error_that_names_the_method(kind: Kind) -> None:
    nodes = {
        "a": Node(start()),
        "work": Node(listen(or_("a", "again"))),
        "check": Node(router("work"), gives("again")),
    }
    with watched_ends() as ends:
        flow = flow_class(nodes, kind, ends)(max_method_calls=3)
        session = flow.stream_events()
        with pytest.raises(MethodCallLimitError, match="'work' has been called 3 times") as caught:
            list(session)
    assert isinstance(caught.value, RecursionError)
    assert transcript(session.frames)[-1] == "Graph failed"
    assert len(flow.method_outputs) == 7


def test_a_long_cycle_needs_no_deep_stack() -> None:
    rounds = 400
    nodes = {
        "a": Node(start()),
        "work": Node(listen(or_("a", "again"))),
        "check": Node(router("work"), gives(*["again"] * rounds, "done")),
    }
    with watched_ends() as ends:
        flow = flow_class(nodes, "async", ends)(max_method_calls=rounds + 1)
        assert flow.kickoff() == "done"
    assert len(flow.method_outputs) == 1 + 2 * (rounds + 1)
