"""Flows in which a human's answer is an outcome, chosen by a model, by which the flow goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from conformance.areas.catalogue import of_every_run
from conformance.areas.flow.continuations import MethodsRun, resumed
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import Feedback, FlowProgram, Give, Method, Reach, Script
from conformance.timeline.evidence import Evidence, ProgramOutcome
from conformance.timeline.expected import Expected

_OUTCOMES: Final = ("approved", "rejected")
_CHOSEN: Final = "rejected"
_CHOICE: Final = Script(('{"outcome": ', f'"{_CHOSEN}"', "}"))
_VALUE: Final = "dropped"
_METHODS: Final = ("asks", "publishes", "drops")


def _program(consumer: Consumer, answer: str | None) -> FlowProgram:
    return consumer.flow_program(
        Method("asks", (Reach("asks"), Give("draft")), feedback=Feedback(answer=answer, outcomes=_OUTCOMES)),
        Method("publishes", (Reach("publishes"), Give("published")), after=("approved",)),
        Method("drops", (Reach("drops"), Give(_VALUE)), after=("rejected",)),
    )


def _answer(consumer: Consumer) -> str:
    """Return words that come to an outcome: whoever asks a model about them is answered by the script."""
    return f"Not like this. {consumer.provider.prompt_for(_CHOICE)}"


def _routed(consumer: Consumer) -> Evidence:
    """A human who answers at once."""
    answer = _answer(consumer)
    run = MethodsRun(consumer.stage, _METHODS)
    evidence = consumer.read_flow(consumer.flow(_program(consumer, answer)))
    clause = "flow.feedback-frames"
    received = (frame.data for frame in evidence.frames if frame.type == "human_feedback_received")
    shown = tuple((data.get("feedback"), data.get("outcome")) for data in received)
    expected = (
        Expected(clause, "the answers and outcomes that the session shows", ((answer, _CHOSEN),), shown),
        run.held(clause, "a flow that goes on by an outcome", ("asks", "drops")),
    )
    return replace(evidence, outcome=evidence.outcome or ProgramOutcome(_VALUE), expected=expected)


def _resumed(consumer: Consumer) -> Iterator[Expected]:
    return resumed(consumer, _program(consumer, None), _METHODS, _answer(consumer), _VALUE, ("drops",))


_NEEDS: Final = frozenset({"flow", "llm", "feedback"})
_SHOWN: Final = frozenset({"flow.feedback-frames", "channel.flow", "result.value"})

SCENARIOS: Final = Scenarios()
SCENARIOS.both("pause/outcome", of_every_run() | _SHOWN, _NEEDS, _routed)
SCENARIOS.both("pause/outcome-resumed", {"flow.pending"}, _NEEDS, _resumed)
