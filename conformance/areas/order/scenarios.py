"""Runs of every shape, read to their end: what frames alone can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from conformance.areas.observations import Carried, Encoded, Observation
from conformance.stage.payloads import PAYLOADS, UNCHANGED
from conformance.stage.programs import (
    Ask,
    CallProgram,
    Emit,
    EmitPayload,
    FlowProgram,
    Method,
    Program,
    Raise,
    Script,
    Text,
)
from conformance.stage.reading import aread_whole, in_loop, read_whole
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence, Outcome

#: What every timeline must keep.
FRAMES = frozenset(
    {
        "envelope.fields",
        "envelope.id-unique",
        "envelope.event-alias",
        "envelope.content-text",
        "envelope.data-clean",
        "envelope.data-json",
        "envelope.timestamp-utc",
        "envelope.immutable",
        "channel.closed-set",
        "namespace.order",
        "order.seq-gapless",
        "order.delivery",
        "order.parent-closed",
        "order.scope-nesting",
        "order.previous-earlier",
        "order.terminal-last",
        "result.gated",
    }
)

TWO_STEPS = FlowProgram((Method("first", (Emit("one"),)), Method("second", (Ask(), Emit("two")), after=("first",))))
PARALLEL = FlowProgram(
    (
        Method("left", (Emit("left"), Ask())),
        Method("right", (Ask(), Emit("right"))),
        Method("joined", (Emit("joined"),), after=("left", "right"), joins="all"),
    )
)
FAILING = FlowProgram((Method("fails", (Emit("before"), Raise(LookupError))),))
UNKNOWN_FAILED = FlowProgram((Method("emits", (Emit("custom", type="x_failed"),)),))


def _whole(
    name: str, program: Program, clauses: frozenset[str], needs: frozenset[str], value: Any = None
) -> tuple[Scenario, Scenario]:
    """Return scenarios that read a run to its end; `value` is what it returns, where it does not fail."""

    def told(evidence: Evidence, performance: Performance) -> Evidence:
        if isinstance(program, FlowProgram):
            evidence = replace(evidence, observations=(*evidence.observations, *_published(program, evidence)))
        raised = performance.stage.noted("raised")
        if raised:
            return replace(evidence, outcome=Outcome(error=raised[0]))
        return evidence if evidence.ended == "failed" else replace(evidence, outcome=Outcome(value))

    def observe(subject: Subject, performance: Performance) -> Evidence:
        return told(read_whole(subject.session(program, performance)), performance)

    def aobserve(subject: Subject, performance: Performance) -> Evidence:
        async def consume() -> Evidence:
            return await aread_whole(subject.asession(program, performance))

        return told(in_loop(consume), performance)

    return (
        Scenario(f"{name}/sync", clauses, observe, needs),
        Scenario(f"{name}/async", clauses, aobserve, needs | {"async"}),
    )


def _second(
    name: str, program: FlowProgram | CallProgram, *, before: Literal["streamed", "plain"]
) -> Iterator[Scenario]:
    """Yield scenarios that read a run after another, in the same process and context: nothing goes on from the first."""

    def first(subject: Subject, performance: Performance) -> Any:
        if isinstance(program, FlowProgram):
            return subject.flow(program, performance).kickoff()
        return subject.llm(performance).call(performance.provider.prompt_for(program.ask.script))

    def observe(subject: Subject, performance: Performance) -> Evidence:
        if before == "plain":
            first(subject, performance)
        else:
            read_whole(subject.session(program, performance))
        return read_whole(subject.session(program, performance))

    def aobserve(subject: Subject, performance: Performance) -> Evidence:
        if before == "plain":
            first(subject, performance)

        async def consume() -> Evidence:
            if before == "streamed":
                await aread_whole(subject.asession(program, performance))
            return await aread_whole(subject.asession(program, performance))

        return in_loop(consume)

    needs = frozenset({"flow", "llm"}) if isinstance(program, FlowProgram) else frozenset({"llm"})
    yield Scenario(f"{name}/{before}/sync", _LINKS, observe, needs)
    yield Scenario(f"{name}/{before}/async", _LINKS, aobserve, needs | {"async"})


def _published(program: FlowProgram, evidence: Evidence) -> Iterator[Observation]:
    """Yield what became of each payload of a program."""
    raised = evidence.outcome.error if evidence.outcome is not None else None
    for step in (step for method in program.methods for step in method.steps):
        if isinstance(step, EmitPayload):
            yield Encoded(step.payload, raised)
            if step.payload in UNCHANGED:
                arrived = tuple(frame.data.get("payload") for frame in evidence.frames if frame.type == "probe_payload")
                yield Carried(PAYLOADS[step.payload](), arrived)


_FLOW = frozenset({"flow"})
_LINKS = frozenset({"order.seq-gapless", "order.delivery", "order.parent-closed", "order.previous-earlier"})
_CALLS = frozenset({"channel.llm", "order.one-completion", "llm.sequence"})

SCENARIOS: tuple[Scenario, ...] = (
    *_whole(
        "flow/two-steps",
        TWO_STEPS,
        FRAMES | _CALLS | {"channel.flow", "channel.custom", "result.value"},
        _FLOW | {"llm"},
        Script().text,
    ),
    *_whole("flow/parallel", PARALLEL, FRAMES | _CALLS, _FLOW | {"llm"}),
    *_whole("flow/failing", FAILING, FRAMES | {"envelope.error-class", "error.frames-first", "result.reraises"}, _FLOW),
    *_whole("flow/unknown-event", UNKNOWN_FAILED, frozenset({"channel.custom", "channel.by-table"}), _FLOW),
    *_whole("call/text", CallProgram(), FRAMES | _CALLS | {"result.value"}, frozenset({"llm"}), Script().text),
    *_whole(
        "call/truncated",
        CallProgram(Ask(Script((Text("Half"),), ending="cut"))),
        FRAMES | {"result.reraises"},
        frozenset({"llm"}),
    ),
    *_second("flow/after", TWO_STEPS, before="streamed"),
    *_second("flow/after", TWO_STEPS, before="plain"),
    *_second("call/after", CallProgram(), before="streamed"),
    *_second("call/after", CallProgram(), before="plain"),
    *(
        scenario
        for name in PAYLOADS
        for scenario in _whole(
            f"payload/{name}",
            FlowProgram((Method("carries", (EmitPayload(name),)),)),
            frozenset({"envelope.data-json", "envelope.timestamp-utc", "envelope.immutable"}),
            _FLOW,
        )
    ),
)
