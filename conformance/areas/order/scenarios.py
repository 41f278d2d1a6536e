"""Runs of every shape, read to their end: what frames alone can tell."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Literal

from conformance.areas.catalogue import of_every_run
from conformance.stage.consumer import Consumer, both, whole_run
from conformance.stage.points import StageError
from conformance.stage.programs import Ask, CallProgram, Emit, FlowProgram, Method, Program, Script, Text
from conformance.stage.scenario import FLOW_AND_LLM, LLM, Scenario
from conformance.timeline.evidence import Evidence

_TWO_STEPS: Final = FlowProgram(
    (Method("first", (Emit("one"),)), Method("second", (Ask(), Emit("two")), after=("first",)))
)
_PARALLEL: Final = FlowProgram(
    (
        Method("left", (Emit("left"), Ask())),
        Method("right", (Ask(), Emit("right"))),
        Method("joined", (Emit("joined"),), after=("left", "right"), joins="all"),
    )
)


def _second(program: FlowProgram | CallProgram, before: Literal["streamed", "plain"], consumer: Consumer) -> Evidence:
    """Read a run after another, in the same process and context: nothing goes on from the first."""
    if before == "streamed":
        return consumer.read_programs(program, program)
    if isinstance(program, FlowProgram):
        consumer.subject.flow(program, consumer.performance).kickoff()
    else:
        prompt = consumer.provider.prompt_for(program.ask.script)
        consumer.subject.llm(consumer.performance).call(prompt)
    return consumer.read_programs(program)


def _late(program: Program, terminal: str, consumer: Consumer) -> Evidence:
    """Publish a custom event whenever `terminal` is seen, and read the run to its end."""
    heard: list[str] = []

    def publish(source: Any, event: Any) -> None:
        if event.type == terminal:
            heard.append(event.type)
            consumer.subject.emit(source, "late")

    with consumer.subject.listening(publish):
        read = consumer.read_session(program)
    if not heard:
        raise StageError(f"no listener was told of {terminal}")
    return read.evidence()


_CALLS: Final = frozenset({"channel.llm", "order.one-completion", "llm.sequence"})
_LINKS: Final = frozenset({"order.seq-gapless", "order.delivery", "order.parent-closed", "order.previous-earlier"})
_LAST: Final = frozenset({"order.terminal-last", "order.seq-gapless"})
_FLOWS: Final = of_every_run() | _CALLS | {"channel.flow", "channel.custom", "result.value"}

SCENARIOS: tuple[Scenario, ...] = (
    *whole_run("flow/two-steps", _TWO_STEPS, _FLOWS, FLOW_AND_LLM, Script().text),
    *whole_run("flow/parallel", _PARALLEL, of_every_run() | _CALLS, FLOW_AND_LLM),
    *whole_run("call/text", CallProgram(), of_every_run() | _CALLS | {"result.value"}, LLM, Script().text),
    *whole_run(
        "call/truncated",
        CallProgram(Ask(Script((Text("Half"),), ending="cut"))),
        of_every_run() | {"result.reraises"},
        LLM,
    ),
    *both("flow/after/streamed", _LINKS, partial(_second, _TWO_STEPS, "streamed"), FLOW_AND_LLM),
    *both("flow/after/plain", _LINKS, partial(_second, _TWO_STEPS, "plain"), FLOW_AND_LLM),
    *both("call/after/streamed", _LINKS, partial(_second, CallProgram(), "streamed"), LLM),
    *both("call/after/plain", _LINKS, partial(_second, CallProgram(), "plain"), LLM),
    *both("handler/publishes-at-the-end/flow", _LAST, partial(_late, _TWO_STEPS, "flow_finished"), FLOW_AND_LLM),
    *both("handler/publishes-at-the-end/call", _LAST, partial(_late, CallProgram(), "llm_call_completed"), LLM),
)
