"""Runs of every shape, read to their end: what frames alone can tell."""

from __future__ import annotations

from typing import Any, Final, Literal

from conformance.areas.catalogue import of_every_run
from conformance.areas.turn.conversation import opened
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.points import StageError
from conformance.stage.programs import (
    CUT_CALL,
    FAILING,
    Ask,
    Block,
    CallProgram,
    ConversationProgram,
    Emit,
    Feedback,
    FlowProgram,
    Give,
    Method,
    Nest,
    Program,
    Raise,
    Script,
)
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected

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


def _second(consumer: Consumer, program: FlowProgram | CallProgram, before: Literal["streamed", "plain"]) -> Evidence:
    """Read a run after another, in the same process and context: nothing goes on from the first."""
    if before == "streamed":
        return consumer.read_programs(program, program)
    if isinstance(program, FlowProgram):
        consumer.flow(program).kickoff()
    else:
        consumer.llm().call(consumer.provider.prompt_for(program.ask.script))
    return consumer.read_programs(program)


def _late(consumer: Consumer, program: Program | ConversationProgram, terminal: str) -> Evidence:
    """Publish a custom event whenever `terminal` is seen, and read the run to its end."""
    heard: list[str] = []

    def publish(source: Any, event: Any) -> None:
        heard.append(event.type)
        if event.type == terminal:
            consumer.subject.emit(source, "late")

    with consumer.subject.listening(publish):
        read = consumer.read(opened(consumer, program))
    if terminal not in heard:
        raise StageError(f"no listener was told of {terminal}")
    aspect = f"whether listeners were told of what one of them published at {terminal}"
    return read.evidence(Expected("order.terminal-last", aspect, True, heard[-1] != terminal))


def _left(consumer: Consumer) -> Evidence:
    """A method closes the session of a flow in its middle, and goes on: what that has opened ends before the method."""
    inner = consumer.flow_program(Method("inside", (Emit("one"), Block("held"), Emit("two"))), name="InnerFlow")
    return consumer.read_programs(
        consumer.flow_program(Method("leaves", (Nest(inner, streamed=True, left_at="one"), Emit("after"))))
    )


_CALLS: Final = frozenset({"channel.llm", "order.one-completion", "llm.sequence"})
_LINKS: Final = frozenset({"order.seq-gapless", "order.delivery", "order.parent-closed", "order.previous-earlier"})
_LAST: Final = frozenset({"order.terminal-last", "order.seq-gapless"})
_FLOWS: Final = of_every_run() | _CALLS | {"session.iterates", "channel.flow", "channel.custom", "result.value"}

SCENARIOS: Final = Scenarios()
SCENARIOS.whole_run("flow/two-steps", _FLOWS, "flow llm", _TWO_STEPS, Script().text)
SCENARIOS.whole_run("flow/parallel", of_every_run() | _CALLS | {"session.iterates"}, "flow llm", _PARALLEL)
# More than the queues and logs of a runtime that keeps the last thousand.
_MANY: Final = FlowProgram((Method("emits", tuple(Emit(str(number)) for number in range(1_100))),))
SCENARIOS.whole_run("flow/many-events", {"session.iterates", "order.seq-gapless"}, "flow", _MANY)
SCENARIOS.whole_run("call/text", of_every_run() | _CALLS | {"result.value"}, "llm", CallProgram(), Script().text)
_BROKEN: Final = of_every_run() | {"result.reraises", "session.replay-failed"}
SCENARIOS.whole_run("call/truncated", _BROKEN, "llm", CUT_CALL)
SCENARIOS.both("flow/after/streamed", _LINKS, "flow llm", _second, _TWO_STEPS, "streamed")
SCENARIOS.both("flow/after/plain", _LINKS, "flow llm", _second, _TWO_STEPS, "plain")
SCENARIOS.both("call/after/streamed", _LINKS, "llm", _second, CallProgram(), "streamed")
SCENARIOS.both("call/after/plain", _LINKS, "llm", _second, CallProgram(), "plain")
_SCOPES: Final = _LINKS | {"order.scope-nesting"}
SCENARIOS.both("nested/left", _SCOPES, "flow", _left)
_FAILING_TURN: Final = ConversationProgram((Method("fails", (Emit("one"), Raise(LookupError))),))
_WAITING: Final = FlowProgram((Method("asks", (Emit("one"), Give("draft")), feedback=Feedback()),))
_TURNS: Final = "flow llm turn"
for _name, _needs, _program, _terminal in (
    ("flow", "flow llm", _TWO_STEPS, "flow_finished"),
    ("call", "llm", CallProgram(), "llm_call_completed"),
    ("turn", _TURNS, ConversationProgram(), "conversation_turn_completed"),
    ("failing-flow", "flow", FAILING, "flow_failed"),
    ("failing-call", "llm", CUT_CALL, "llm_call_failed"),
    ("failing-turn", _TURNS, _FAILING_TURN, "conversation_turn_failed"),
    ("waiting-flow", "flow feedback", _WAITING, "flow_paused"),
):
    SCENARIOS.both(f"handler/publishes-at-the-end/{_name}", _LAST, _needs, _late, _program, _terminal)
