"""Every check of `scope.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

import pytest

from conformance.checks import CHECKS
from conformance.observations import Captured, Heard
from tests.conformance.faults import Fault, assert_caught, fault

BESIDE = Heard("isolated", "one of two sessions", ("one", "two"), ("two", "one"))
OUTER = Heard("nested-outer", "the outer session", ("before", "inner"), ("before", "inner"))
INNER = Heard("nested-inner", "the inner session", ("inner",), ("inner",))
BY_SOURCE = Heard("by-source", "the only session", ("one",), ("one",), None, warned=False)
UNCLEAR = Heard("unclear", "one of two sessions", ("one",), ("one",), None, warned=True)
AWAITED = Heard("awaited-emit", "the session", ("one",), ("one",))
STREAMED = Captured(None, ("Hel", "lo"), "Hello", asked=True)
WHOLE = Captured(told=False, chunks=(), text="Hello", asked=False)

FAULTS = (
    fault("another session's event", "scope.isolated", BESIDE, seen=("one", "two", "three")),
    fault("an event twice", "scope.isolated", BESIDE, seen=("one", "two", "two")),
    fault("an event that went elsewhere", "scope.isolated", BESIDE, seen=("one",)),
    fault("a session that fails beside another", "scope.isolated", BESIDE, raised=ValueError("no")),
    fault("an outer session without the inner one", "scope.nested", OUTER, seen=("before",)),
    fault("an inner session with the outer one", "scope.nested", INNER, seen=("before", "inner")),
    fault("a thread that is not heard", "scope.worker-threads", BY_SOURCE, seen=()),
    fault("a stray event that is shown", "scope.worker-threads", UNCLEAR, seen=("one", "stray")),
    fault("a stray event without a warning", "scope.worker-threads", UNCLEAR, warned=False),
    fault("an awaited emit that is not heard", "scope.aemit", AWAITED, seen=()),
    fault("a call that is not asked to stream", "scope.captures-llm", STREAMED, asked=False),
    fault("a call whose tokens are lost", "scope.captures-llm", STREAMED, chunks=()),
    fault("an LLM that streams although told not to", "scope.captures-llm", WHOLE, asked=True),
    fault("chunks of an LLM that does not stream", "scope.captures-llm", WHOLE, chunks=("Hello",)),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    assert {row.clause for row in FAULTS} == {c for c in CHECKS if c.startswith("scope.")}
