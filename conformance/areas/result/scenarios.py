"""The result of a session, read at every moment of its life."""

from __future__ import annotations

from collections.abc import Callable
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
from conformance.stage.reading import read_result
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence, Outcome

_FLOW: Final = frozenset({"flow"})
_CALL: Final = frozenset({"llm"})
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
_ASKED: Final = CallProgram(Ask(Script((Text("Hel"), Text("lo")))))
_FAILING: Final = FlowProgram((Method("fails", (Emit("one"), Raise(LookupError))),))


def _value(value: Any) -> Callable[[Consumer, Subject, Performance], Evidence]:
    program = FlowProgram((Method("gives", (Emit("one"), Give(value))),))

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        session = consumer.open(program)
        taken = consumer.read(session)
        reads = (read_result(session, "after-exhaustion"), read_result(session, "after-exhaustion"))
        ended: Any = "exhausted" if taken.raised is None else "failed"
        return Evidence(taken.frames, ended, reads=reads, outcome=Outcome(value))

    return observe


def _early(program: Program, value: str) -> Callable[[Consumer, Subject, Performance], Evidence]:
    """Read the result before the first frame, after it, once the run has ended unread, and then after the end."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        session = consumer.open(program)
        reads = [read_result(session, "before")]
        iterator = consumer.iterate(session)
        first = consumer.take(iterator, 1)
        reads.append(read_result(session, "before"))
        consumer.let_finish()
        reads.append(read_result(session, "before"))
        rest = consumer.take(iterator)
        reads.append(read_result(session, "after-exhaustion"))
        ended: Any = "exhausted" if rest.raised is None else "failed"
        return Evidence(first.frames + rest.frames, ended, reads=tuple(reads), outcome=Outcome(value))

    return observe


def _failed(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    session = consumer.open(_FAILING)
    before = read_result(session, "before")
    taken = consumer.read(session)
    after = [read_result(session, "after-failure") for _ in range(3)]
    raised = performance.stage.noted("raised")
    outcome = Outcome(error=raised[0]) if raised else None
    ended: Any = "exhausted" if taken.raised is None else "failed"
    return Evidence(taken.frames, ended, reads=(before, *after), outcome=outcome)


def _closed(program: Program) -> Callable[[Consumer, Subject, Performance], Evidence]:
    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        session = consumer.open(program)
        taken = consumer.take(consumer.iterate(session), 2)
        consumer.close(session)
        reads = (read_result(session, "after-close"), read_result(session, "after-close"))
        return Evidence(taken.frames, "closed", reads=reads)

    return observe


_HELD: Final = CallProgram(Ask(Script((Text("Hel"), HoldBody("held"), Text("lo")))))
_EARLY: Final = frozenset({"result.gated", "result.states", "result.value"})
_CLOSED: Final = frozenset({"result.after-close", "result.states"})

SCENARIOS: tuple[Scenario, ...] = (
    *(
        one
        for name, value in _VALUES.items()
        for one in both(f"result/value/{name}", frozenset({"result.value", "result.states"}), _value(value), _FLOW)
    ),
    *both("result/early/flow", _EARLY, _early(_SPOKEN, "value"), _FLOW),
    *both("result/early/call", _EARLY, _early(_ASKED, "Hello"), _CALL),
    *both("result/failed/flow", frozenset({"result.reraises", "result.states", "result.gated"}), _failed, _FLOW),
    *both("result/closed/flow", _CLOSED, _closed(_SPOKEN), _FLOW),
    *both("result/closed/call", _CLOSED, _closed(_HELD), _CALL),
)
