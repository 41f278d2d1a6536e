"""Flows in which a human is asked: who answers at once, later, and what becomes of the run then."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from types import SimpleNamespace
from typing import Final, Literal

from msgspec.structs import replace

from conformance.areas.catalogue import of_every_run
from conformance.areas.flow import declarations, other_process, restores
from conformance.areas.flow.continuations import MethodsRun, goes_on, resumable, resumed
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import AskHuman, Emit, Feedback, FlowProgram, Give, Method, Reach, Script
from conformance.timeline.evidence import AnyFrame, Evidence, ProgramOutcome, beside_frames
from conformance.timeline.expected import NOTHING, Expected

_VALUE: Final = "done"
_ANSWER: Final = "Yes."
#: What the types of frames end in that end a method or a flow.
_ENDINGS: Final = ("_finished", "_failed", "_paused")
_METHODS: Final = ("drafts", "asks", "ends")
#: The outcomes that an answer may come to, what a model chooses of them, and what the flow that goes on by it comes to.
_OUTCOMES: Final = ("approved", "rejected")
_CHOSEN: Final = "rejected"
_CHOICE: Final = Script(('{"outcome": ', f'"{_CHOSEN}"', "}"))
_DROPPED: Final = "dropped"
_ROUTED: Final = ("asks", "publishes", "drops")
#: What a frame of this type tells of a human, and the key of the words.
_WORDS: Final = {
    "human_feedback_requested": ("requested", "message"),
    "human_feedback_received": ("received", "feedback"),
    "flow_input_requested": ("requested", "message"),
    "flow_input_received": ("received", "response"),
}


def _program(consumer: Consumer, feedback: Feedback) -> FlowProgram:
    """Return a flow whose second method has a human asked; its methods are of the consumer's kind."""
    return consumer.flow_program(
        Method("drafts", (Reach("drafts"), Give("draft"))),
        Method("asks", (Reach("asks"), Give("text")), after=("drafts",), feedback=feedback),
        Method("ends", (Reach("ends"), Emit("end"), Give(_VALUE)), after=("asks",)),
    )


def _shown(human: str, frames: Iterable[AnyFrame], *due: tuple[str, str]) -> Expected:
    rows = ((_WORDS[frame.type], frame.data) for frame in frames if frame.type in _WORDS)
    seen = tuple((kind, data.get(key)) for (kind, key), data in rows)
    return Expected("flow.feedback-frames", f"what the session shows of {human}", due, seen)


@contextmanager
def _typing(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.StringIO(f"{text}\n")
    try:
        yield
    finally:
        sys.stdin = before


def _answered(consumer: Consumer, asker: Literal["provider", "terminal"]) -> Evidence:
    """A human who answers at once."""
    feedback = Feedback(answer=_ANSWER, asker=asker)
    human = {"provider": "a provider that answers at once", "terminal": "a human at the terminal"}[asker]
    flow = consumer.flow(_program(consumer, feedback))
    with _typing(_ANSWER) if asker == "terminal" else nullcontext():
        evidence = consumer.read_flow(flow)
    shown = _shown(human, evidence.frames, ("requested", feedback.message), ("received", _ANSWER))
    return replace(evidence, outcome=evidence.outcome or ProgramOutcome(_VALUE), expected=(shown,))


def _input_requested(consumer: Consumer) -> Evidence:
    """A human who is asked in the middle of a method."""
    question = "And now?"
    program = consumer.flow_program(Method("asks", (AskHuman(question),)))
    typist = SimpleNamespace(request_input=lambda message, flow, metadata=None: _ANSWER)
    flow = consumer.flow(program, input_provider=typist)
    evidence = consumer.read_flow(flow)
    shown = _shown("an input provider", evidence.frames, ("requested", question), ("received", _ANSWER))
    return replace(evidence, outcome=evidence.outcome or ProgramOutcome(_ANSWER), expected=(shown,))


_LATER: Final = Feedback()


def _pending(consumer: Consumer) -> Evidence:
    """A human whose answer comes later."""
    run = MethodsRun(consumer.stage, _METHODS)
    evidence = consumer.read_flow(consumer.flow(_program(consumer, _LATER)))
    read, clause, who = evidence.reads[-1], "flow.pending", "a flow that waits"
    types = [frame.type for frame in evidence.frames]
    ends = tuple(kind for kind in types if kind.startswith(("method_", "flow_")) and kind.endswith(_ENDINGS))
    due = ("method_execution_finished", "method_execution_paused", "flow_paused")
    expected = [
        Expected(clause, f"the session of {who}", NOTHING, read.raised),
        Expected(clause, f"ends of methods and of the flow that {who} shows", due, ends),
        Expected(clause, f"the last frame of {who}", due[-1], types[-1] if types else None),
        run.held(clause, who, ("drafts", "asks")),
        _shown("a provider whose answer comes later", evidence.frames, ("requested", _LATER.message)),
    ]
    if read.raised is None:
        pending = consumer.subject.is_pending(read.value)
        expected += [
            Expected(clause, f"whether {who} comes to the pending object, and not to {read.value!r}", True, pending),
            Expected(clause, f"is_exhausted of the session of {who}", True, read.is_exhausted),
        ]
    return replace(evidence, expected=tuple(expected))


def _resumed(consumer: Consumer) -> Iterator[Expected]:
    """A flow that waited, taken up by its id as another process would."""
    return resumed(consumer, _program(consumer, _LATER), _METHODS, _ANSWER, _VALUE, ("ends",))


def _resumed_streamed(consumer: Consumer) -> Evidence:
    """The same, with stream=True."""
    flow = consumer.flow(_program(consumer, _LATER))
    pending = consumer.read_flow(flow).reads[-1].value
    run = MethodsRun(consumer.stage, _METHODS)
    waiting, amiss = resumable(consumer, flow, pending)
    if waiting is None:
        return beside_frames(amiss)
    waiting.stream = True
    resume = waiting.resume if consumer.is_sync else waiting.resume_async
    call = f"{resume.__name__}(…) with stream=True"
    evidence = goes_on(consumer, "flow.pending", call, partial(resume, _ANSWER), _VALUE, run, ("ends",))
    if not evidence.reads:
        return evidence
    shown = _shown("an answer that resumes a flow", evidence.frames, ("received", _ANSWER))
    return replace(evidence, expected=(*evidence.expected, shown))


def _routing(consumer: Consumer, answer: str | None) -> FlowProgram:
    """Return a flow that goes on by the outcome that a human's answer comes to."""
    return consumer.flow_program(
        Method("asks", (Reach("asks"), Give("draft")), feedback=Feedback(answer=answer, outcomes=_OUTCOMES)),
        Method("publishes", (Reach("publishes"), Give("published")), after=("approved",)),
        Method("drops", (Reach("drops"), Give(_DROPPED)), after=("rejected",)),
    )


def _rejection(consumer: Consumer) -> str:
    """Return words that come to an outcome: whoever asks a model about them is answered by the script."""
    return f"Not like this. {consumer.provider.prompt_for(_CHOICE)}"


def _routed(consumer: Consumer) -> Evidence:
    """A human who answers at once, in words of which a model makes an outcome."""
    answer = _rejection(consumer)
    run = MethodsRun(consumer.stage, _ROUTED)
    evidence = consumer.read_flow(consumer.flow(_routing(consumer, answer)))
    clause = "flow.feedback-frames"
    received = (frame.data for frame in evidence.frames if frame.type == "human_feedback_received")
    shown = tuple((data.get("feedback"), data.get("outcome")) for data in received)
    expected = (
        Expected(clause, "the answers and outcomes that the session shows", ((answer, _CHOSEN),), shown),
        run.held(clause, "a flow that goes on by an outcome", ("asks", "drops")),
    )
    return replace(evidence, outcome=evidence.outcome or ProgramOutcome(_DROPPED), expected=expected)


def _routed_later(consumer: Consumer) -> Iterator[Expected]:
    return resumed(consumer, _routing(consumer, None), _ROUTED, _rejection(consumer), _DROPPED, ("drops",))


_NEEDS: Final = "flow feedback"
_SHOWN: Final = frozenset({"flow.feedback-frames", "channel.flow"})
_ENDED: Final = of_every_run() | _SHOWN | {"result.value"}

SCENARIOS: Final = Scenarios()
SCENARIOS.both("pause/answered", _ENDED, _NEEDS, _answered, "provider")
SCENARIOS.both("pause/answered/terminal", _ENDED, _NEEDS, _answered, "terminal")
SCENARIOS.both("pause/asked", _ENDED, _NEEDS, _input_requested)
SCENARIOS.both("pause/pending", of_every_run() | _SHOWN | {"flow.pending"}, _NEEDS, _pending)
SCENARIOS.both("pause/resumed", {"flow.pending"}, _NEEDS, _resumed)
SCENARIOS.both("pause/resumed-streamed", {"flow.pending"}, _NEEDS, _resumed_streamed)
SCENARIOS.both("pause/outcome", _ENDED, "flow llm feedback", _routed)
SCENARIOS.both("pause/outcome-resumed", {"flow.pending"}, "flow llm feedback", _routed_later)
for _more in (other_process, restores, declarations):
    SCENARIOS.extend(_more.SCENARIOS)
