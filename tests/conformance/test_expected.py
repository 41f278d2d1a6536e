"""Each relation holds of what fits, and says in words what was seen and what was due where something does not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conformance.timeline.expected import (
    NOTHING,
    AtMost,
    Equal,
    Expected,
    InAnyOrder,
    OneOf,
    Raised,
    Relation,
    Same,
)

ERROR, CAUSE = LookupError("no"), StopIteration("over")
WRAPPED = RuntimeError("the run raised StopIteration")
WRAPPED.__cause__ = CAUSE


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError("no text")


@dataclass(frozen=True)
class Row:
    relation: Relation
    fits: object
    other: object
    says: list[str]

    def __str__(self) -> str:
        return f"{type(self.relation).__name__}-{self.says[0]}"


ROWS = (
    Row(Equal(7), 7, 8, ["it: 8, not 7"]),
    Row(Equal(0), 0, False, ["it: False, not 0"]),
    Row(Equal(True), True, None, ["it: None, not True"]),
    Row(Equal(()), (), ("went-on",), ["it: 'went-on', not nothing"]),
    Row(Equal(()), (), ("one", "two"), ["it: ('one', 'two'), not nothing"]),
    Row(Equal("text"), "text", "t" * 500, [f"it: '{'t' * 399}…, not 'text'"]),
    Row(Same(ERROR), ERROR, LookupError("no"), ["it: LookupError('no'), not the very LookupError('no')"]),
    Row(Same(ERROR), ERROR, None, ["it: None, not the very LookupError('no')"]),
    Row(Raised(ValueError), ValueError("x"), None, ["it raised nothing, not ValueError"]),
    Row(Raised(ValueError), UnicodeError("x"), KeyError("x"), ["it raised KeyError('x'), not ValueError"]),
    Row(
        Raised(Exception, words=("turn", "open")),
        RuntimeError("A Turn is open"),
        RuntimeError("already open"),
        ["it raised RuntimeError('already open'), not Exception that says turn, open"],
    ),
    Row(
        Raised(RuntimeError, cause=CAUSE),
        WRAPPED,
        RuntimeError("no"),
        ["it raised RuntimeError('no'), not RuntimeError from StopIteration('over')"],
    ),
    Row(NOTHING, None, ERROR, ["it raised LookupError('no')"]),
    Row(InAnyOrder(("a", "b")), ("b", "a"), ("a",), ["it lacks 'b'"]),
    Row(InAnyOrder(("a", "a")), ("a", "a"), ("a",), ["it lacks 'a'"]),
    Row(InAnyOrder(("a",)), ("a",), ("a", "a", "c"), ["it has 'a', more than once", "it has 'c', which was not due"]),
    Row(AtMost(3), 3, 4, ["it: 4, more than 3"]),
    Row(OneOf(("text", "tool_call")), "text", None, ["it: None, none of ('text', 'tool_call')"]),
)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_relation_says_what_does_not_fit_and_nothing_else(row: Row) -> None:
    assert list(Expected("order.delivery", "it", row.relation, row.fits).breaches) == []
    assert list(Expected("order.delivery", "it", row.relation, row.other, 5).breaches) == [
        (5, says) for says in row.says
    ]


def test_a_plain_value_must_be_equal() -> None:
    assert list(Expected("order.delivery", "the frames", 3, 3).breaches) == []
    assert list(Expected("order.delivery", "the frames", 3, 2).breaches) == [(None, "the frames: 2, not 3")]


def test_the_comma_that_ends_an_aside_stands_before_a_verb_alone() -> None:
    told = [
        next(Expected("order.delivery", "reading, begun late,", relation, ERROR).breaches)[1]
        for relation in (Raised(ValueError), Equal(0))
    ]
    assert told == [
        "reading, begun late, raised LookupError('no'), not ValueError",
        "reading, begun late: LookupError('no'), not 0",
    ]


def test_what_can_not_be_printed_is_told_by_its_class() -> None:
    assert list(Expected("order.delivery", "it", None, Unprintable()).breaches) == [
        (None, "it: <Unprintable>, not None")
    ]
