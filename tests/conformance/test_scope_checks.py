"""Every check of `scope.*` can fail: one broken observation each, caught by the clauses that its row names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.areas.checks import CHECKS
from conformance.areas.observations import Captured, Heard, TurnBeside, TurnTaken
from tests.conformance.faults import Fault, assert_caught, fault

BESIDE = Heard("isolated", "one of two sessions", ("one", "two"), ("two", "one"))
OUTER = Heard("nested-outer", "the outer session", ("before", "inner"), ("before", "inner"))
INNER = Heard("nested-inner", "the inner session", ("inner",), ("inner",))
BY_SOURCE = Heard("by-source", "the only session", ("one",), ("one",), None, warned=False)
UNCLEAR = Heard("unclear", "one of two sessions", ("one",), ("one",), None, warned=True)
AWAITED = Heard("awaited-emit", "the session", ("one",), ("one",))
STREAMED = Captured(None, ("Hel", "lo"), "Hello", asked=True)
WHOLE = Captured(told=False, chunks=(), text="Hello", asked=False)
OPEN = TurnTaken("the open turn", "One?", "First.", "First.", None)
AGAIN = TurnTaken("the second turn, asked for again", "Two?", "Second.", "Second.", None)
SAID = (("user", "One?"), ("assistant", "First."), ("user", "Two?"), ("assistant", "Second."))
REFUSED = TurnBeside("held in its handler", RuntimeError("a turn is open"), (OPEN, AGAIN), SAID)


def taken(**changes: Any) -> dict[str, Any]:
    return {"taken": (replace(OPEN, **changes), AGAIN)}


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
    fault("a second turn that is let in", "scope.concurrent-turns", REFUSED, refused=None),
    fault(
        "an accident for a refusal",
        "scope.concurrent-turns",
        REFUSED,
        refused=ValueError("generator already executing"),
    ),
    fault("a refusal that no except catches", "scope.concurrent-turns", REFUSED, refused=SystemExit("a turn is open")),
    fault("an open turn that fails", "scope.concurrent-turns", REFUSED, **taken(raised=LookupError("no"), result=None)),
    fault("an open turn with another's reply", "scope.concurrent-turns", REFUSED, **taken(result="Second.")),
    fault("a message that is lost", "scope.concurrent-turns", REFUSED, transcript=SAID[1:]),
    fault("a message that is there twice", "scope.concurrent-turns", REFUSED, transcript=(*SAID, SAID[0])),
    fault("a message that is answered twice", "scope.concurrent-turns", REFUSED, transcript=(*SAID, SAID[3])),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_every_check_of_the_area_has_a_fault_that_it_catches() -> None:
    assert {row.clause for row in FAULTS} == {c for c in CHECKS if c.startswith("scope.")}
