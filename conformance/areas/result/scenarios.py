"""The result of a session, read at every moment of its life."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from conformance.stage.consumer import Consumer, both
from conformance.stage.programs import (
    Ask,
    CallProgram,
    Emit,
    FlowProgram,
    Give,
    HoldBody,
    Method,
    Program,
    Raise,
    Script,
    Text,
)
from conformance.stage.reader import read_result
from conformance.stage.scenario import FLOW, LLM, Scenario
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
}
_SPOKEN: Final = FlowProgram((Method("speaks", (Emit("one"), Emit("two"), Give("value"))),))
_CALLED: Final = CallProgram(Ask(Script((Text("Hel"), Text("lo")))))
_FAILING: Final = FlowProgram((Method("fails", (Emit("one"), Raise(LookupError))),))


def _value(value: Any, consumer: Consumer) -> Evidence:
    program = FlowProgram((Method("gives", (Emit("one"), Give(value))),))
    session = consumer.open(program)
    read = consumer.read(session)
    reads = (read_result(session, "after-exhaustion"), read_result(session, "after-exhaustion"))
    return read.evidence(reads=reads, outcome=ProgramOutcome(value))


def _early(program: Program, value: str, consumer: Consumer) -> Evidence:
    """Read the result before the first frame, after it, once the run has ended unread, and then after the end."""
    session = consumer.open(program)
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
    session = consumer.open(_FAILING)
    before = read_result(session, "before")
    read = consumer.read(session)
    after = [read_result(session, "after-failure") for _ in range(3)]
    raised = consumer.stage.noted("raised")
    return read.evidence(reads=(before, *after), outcome=ProgramOutcome(error=raised[0]) if raised else None)


def _closed(program: Program, consumer: Consumer) -> Evidence:
    session = consumer.open(program)
    read = consumer.take(consumer.iterate(session), 2)
    consumer.close(session)
    reads = (read_result(session, "after-close"), read_result(session, "after-close"))
    return Evidence(read.frames, "closed", reads=reads)


_HELD: Final = CallProgram(Ask(Script((Text("Hel"), HoldBody("held"), Text("lo")))))
_EARLY: Final = frozenset({"result.gated", "result.states", "result.value"})
_CLOSED: Final = frozenset({"result.after-close", "result.states"})

SCENARIOS: tuple[Scenario, ...] = (
    *(
        scenario
        for name, value in _VALUES.items()
        for scenario in both(f"result/value/{name}", {"result.value", "result.states"}, partial(_value, value), FLOW)
    ),
    *both("result/early/flow", _EARLY, partial(_early, _SPOKEN, "value"), FLOW),
    *both("result/early/call", _EARLY, partial(_early, _CALLED, "Hello"), LLM),
    *both("result/failed/flow", {"result.reraises", "result.states", "result.gated"}, _failed, FLOW),
    *both("result/closed/flow", _CLOSED, partial(_closed, _SPOKEN), FLOW),
    *both("result/closed/call", _CLOSED, partial(_closed, _HELD), LLM),
)
