"""The result of a session, read at every moment of its life."""

from __future__ import annotations

from typing import Any, Final

from conformance.areas.turn.conversation import opened
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import (
    FAILING,
    Ask,
    Block,
    CallProgram,
    ConversationProgram,
    Emit,
    FlowProgram,
    Give,
    Method,
    Program,
    Script,
)
from conformance.stage.reader import read_result
from conformance.timeline.evidence import Evidence, ProgramOutcome

#: What reading the result shows where a loop has been left early.
AFTER_BREAK: Final = frozenset({"result.gated-after-break", "result.states"})
#: Values that code which asks `if result` takes for none.
_VALUES: Final[dict[str, Any]] = {
    "none": None,
    "false": False,
    "zero": 0,
    "empty-text": "",
    "empty-list": [],
    "empty-dict": {},
    "text": "value",
    "dict": {"key": [1, None]},
    # What is no JSON is shown in another form, and given as it is; an error that is returned is a value like any other.
    "objects": {"bytes": b"\xff", "set": {1}, "type": object},
    "error": LookupError("returned"),
}
_SPOKEN: Final = FlowProgram((Method("speaks", (Emit("one"), Emit("two"), Give("value"))),))
_CALLED: Final = CallProgram(Ask(Script(("Hel", "lo"))))


def _value(consumer: Consumer, value: Any) -> Evidence:
    program = FlowProgram((Method("gives", (Emit("one"), Give(value))),))
    session = consumer.open(program)
    read = consumer.read(session)
    reads = (read_result(session, "after-exhaustion"), read_result(session, "after-exhaustion"))
    return read.evidence(reads=reads, outcome=ProgramOutcome(value))


def _early(consumer: Consumer, program: Program | ConversationProgram, value: str) -> Evidence:
    """Read the result before the first frame, after it, once the run has ended unread, and then after the end."""
    session = opened(consumer, program)
    reads = [read_result(session, "before")]
    iterator = consumer.iterate(session)
    first = consumer.take(iterator, 1)
    reads.append(read_result(session, "before"))
    consumer.let_finish()
    reads.append(read_result(session, "before"))
    rest = consumer.take(iterator)
    reads.append(read_result(session, "after-exhaustion"))
    return first.then(rest).evidence(reads=tuple(reads), outcome=ProgramOutcome(value))


def _failed(consumer: Consumer) -> Evidence:
    """Read the result before the first frame, once the run has failed unread, and then after the end."""
    session = consumer.open(FAILING)
    before = [read_result(session, "before")]
    iterator = consumer.iterate(session)
    first = consumer.take(iterator, 1)
    consumer.let_finish()
    before.append(read_result(session, "before"))
    read = first.then(consumer.take(iterator))
    after = [read_result(session, "after-failure") for _ in range(3)]
    raised = consumer.stage.noted("raised")
    return read.evidence(reads=(*before, *after), outcome=ProgramOutcome(error=raised[0]) if raised else None)


def _closed(consumer: Consumer, program: Program, *, ended: bool = False) -> Evidence:
    """Close a session in the middle of its run, or once that has ended unread."""
    session = consumer.open(program)
    read = consumer.take(consumer.iterate(session), 2)
    if ended:
        consumer.let_finish()
    consumer.close(session)
    reads = (read_result(session, "after-close"), read_result(session, "after-close"))
    return Evidence(read.frames, "closed", reads=reads)


_HELD: Final = CallProgram(Ask(Script(("Hel", Block("held"), "lo"))))
_EARLY: Final = frozenset({"result.gated", "result.states", "result.value"})
_GIVEN: Final = frozenset({"result.value", "result.states", "envelope.data-json"})
_CLOSED: Final = frozenset({"result.after-close", "result.states"})

SCENARIOS: Final = Scenarios()
for _name, _given in _VALUES.items():
    SCENARIOS.both(f"result/value/{_name}", _GIVEN, "flow", _value, _given)
SCENARIOS.both("result/early/flow", _EARLY, "flow", _early, _SPOKEN, "value")
SCENARIOS.both("result/early/call", _EARLY, "llm", _early, _CALLED, "Hello")
SCENARIOS.both("result/early/turn", _EARLY, "flow llm turn", _early, ConversationProgram(), Script().text)
SCENARIOS.both("result/failed/flow", {"result.reraises", "result.states", "result.gated"}, "flow", _failed)
SCENARIOS.both("result/closed/flow", _CLOSED, "flow", _closed, _SPOKEN)
SCENARIOS.both("result/closed/call", _CLOSED, "llm", _closed, _HELD)
SCENARIOS.both("result/closed/ended", _CLOSED, "flow", _closed, _SPOKEN, ended=True)
SCENARIOS.both("result/closed/failed", _CLOSED, "flow", _closed, FAILING, ended=True)
