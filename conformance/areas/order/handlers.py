"""Handlers that publish events of their own, at the moment when a run has come to its end."""

from __future__ import annotations

from typing import Any, Final

from conformance.stage.consumer import Consumer, Observe, both
from conformance.stage.points import StageError
from conformance.stage.programs import Ask, CallProgram, Emit, FlowProgram, Method, Program
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence

_FLOW: Final = FlowProgram((Method("first", (Emit("one"),)), Method("second", (Ask(), Emit("two")), after=("first",))))


def _late(program: Program, terminal: str) -> Observe:
    """Publish a custom event whenever `terminal` is seen, and read the run to its end."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        heard: list[str] = []

        def publish(source: Any, event: Any) -> None:
            if event.type == terminal:
                heard.append(event.type)
                subject.emit(source, "late")

        with subject.listening(publish):
            taken = consumer.read(consumer.open(program))
        if not heard:
            raise StageError(f"no listener was told of {terminal}")
        return Evidence(taken.frames, "exhausted" if taken.raised is None else "failed")

    return observe


_CLAUSES: Final = frozenset({"order.terminal-last", "order.seq-gapless"})

SCENARIOS: tuple[Scenario, ...] = (
    *both("handler/publishes-at-the-end/flow", _CLAUSES, _late(_FLOW, "flow_finished"), frozenset({"flow", "llm"})),
    *both(
        "handler/publishes-at-the-end/call", _CLAUSES, _late(CallProgram(), "llm_call_completed"), frozenset({"llm"})
    ),
)
