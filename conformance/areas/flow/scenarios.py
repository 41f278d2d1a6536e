"""Flows in which a human is asked: who answers at once, later, and what becomes of the run then."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal

from conformance.areas.entry.scenarios import lacks, made, tried
from conformance.areas.observations import FeedbackShown, Paused, Resumed
from conformance.areas.order.scenarios import FRAMES
from conformance.stage.consumer import Consumer, Observe, both
from conformance.stage.points import Stage, StageError
from conformance.stage.programs import AskHuman, Emit, Feedback, FlowProgram, Give, Method, Reach
from conformance.stage.reading import aread_whole, read_whole
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence, Outcome
from conformance.timeline.frame_like import FrameLike

_VALUE: Final = "done"
_ANSWER: Final = "Yes."
#: What the types of frames end in that end a method or a flow.
_ENDINGS: Final = ("_finished", "_failed", "_paused")
_METHODS: Final = ("drafts", "asks", "ends")
#: What a frame of this type tells of a human, and the key of what was said.
_TOLD: Final = {
    "human_feedback_requested": ("requested", "message"),
    "human_feedback_received": ("received", "feedback"),
    "flow_input_requested": ("requested", "message"),
    "flow_input_received": ("received", "response"),
}


def _program(feedback: Feedback, consumer: Consumer) -> FlowProgram:
    """Return a flow whose second method has a human asked; its methods are of the consumer's kind."""
    methods = (
        Method("drafts", (Reach("drafts"), Give("draft"))),
        Method("asks", (Reach("asks"), Give("text")), after=("drafts",), feedback=feedback),
        Method("ends", (Reach("ends"), Emit("end"), Give(_VALUE)), after=("asks",)),
    )
    return FlowProgram(tuple(replace(method, is_async=not consumer.is_sync) for method in methods))


def ran_in(stage: Stage, methods: Iterable[str]) -> tuple[str, ...]:
    """Return which of the methods, each of which reaches a point of its own name, were run: each as often as it was."""
    return tuple(name for name in methods for _ in range(stage.times_reached(name)))


def stream(consumer: Consumer, flow: Any, **options: Any) -> Any:
    """Return a session of a flow object, to be closed in the end."""
    enter = flow.stream_events if consumer.is_sync else flow.astream
    return consumer.keep(made(consumer, partial(enter, **options)))


def no_session(consumer: Consumer, value: Any) -> tuple[str, ...]:
    """Return what `value` lacks to be read as a session; whether it can be closed is a matter of its own."""
    return tuple(name for name in lacks(consumer, value) if name != "close")


def read_to_end(consumer: Consumer, session: Any) -> Evidence:
    """Read a session to its end, then its result twice and its events again."""
    if consumer.is_sync:
        return read_whole(session)
    evidence: Evidence = consumer.complete(aread_whole(session))
    return evidence


def _told(frames: Iterable[FrameLike]) -> tuple[tuple[str, object], ...]:
    rows = ((_TOLD[frame.type], frame.data) for frame in frames if frame.type in _TOLD)
    return tuple((kind, data.get(key)) for (kind, key), data in rows)


@contextmanager
def _typing(text: str) -> Iterator[None]:
    """Have a line typed on the terminal."""
    before, sys.stdin = sys.stdin, io.StringIO(f"{text}\n")
    try:
        yield
    finally:
        sys.stdin = before


def _answered(asked_by: Literal["provider", "terminal"]) -> Observe:
    """A human who answers at once."""
    feedback = Feedback(answer=_ANSWER, asked_by=asked_by)

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        flow = subject.flow(_program(feedback, consumer), performance)
        with _typing(_ANSWER) if asked_by == "terminal" else nullcontext():
            evidence = read_to_end(consumer, stream(consumer, flow))
        due = (("requested", feedback.message), ("received", _ANSWER))
        human = {"provider": "a provider that answers at once", "terminal": "a human at the terminal"}[asked_by]
        told = FeedbackShown(human, _told(evidence.frames), due)
        outcome = evidence.outcome or Outcome(_VALUE)
        return replace(evidence, outcome=outcome, observations=(told,))

    return observe


class _Typist:
    """An input provider."""

    def request_input(self, message: str, flow: Any, metadata: Any = None) -> str:
        return _ANSWER


def _asked(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """A human who is asked in the middle of a method."""
    question = "And now?"
    method = Method("asks", (AskHuman(question),), is_async=not consumer.is_sync)
    flow = subject.flow(FlowProgram((method,)), performance, input_provider=_Typist())
    evidence = read_to_end(consumer, stream(consumer, flow))
    due = (("requested", question), ("received", _ANSWER))
    told = FeedbackShown("an input provider", _told(evidence.frames), due)
    return replace(evidence, outcome=evidence.outcome or Outcome(_ANSWER), observations=(told,))


_LATER: Final = Feedback()


def _pause(consumer: Consumer, flow: Any) -> tuple[Evidence, Any]:
    """Stream a flow until it waits, and return what was seen and the result."""
    evidence = read_to_end(consumer, stream(consumer, flow))
    return evidence, evidence.reads[-1].value


def _pending(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """A human whose answer comes later."""
    evidence, value = _pause(consumer, subject.flow(_program(_LATER, consumer), performance))
    read = evidence.reads[-1]
    types = [frame.type for frame in evidence.frames]
    paused = Paused(
        ends=tuple(one for one in types if one.startswith(("method_", "flow_")) and one.endswith(_ENDINGS)),
        due_ends=("method_execution_finished", "method_execution_paused", "flow_paused"),
        last=types[-1] if types else None,
        value=value,
        is_pending=subject.is_pending(value),
        is_exhausted=read.is_exhausted,
        raised=read.raised,
        ran=ran_in(performance.stage, _METHODS),
        to_run=("drafts", "asks"),
    )
    told = FeedbackShown(
        "a provider whose answer comes later", _told(evidence.frames), (("requested", _LATER.message),)
    )
    return replace(evidence, observations=(paused, told))


def _resumed(*, streamed: bool) -> Observe:
    """A flow that waited, taken up by its id as another process would."""

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        flow = subject.flow(_program(_LATER, consumer), performance)
        _, pending = _pause(consumer, flow)
        if not subject.is_pending(pending):
            raise StageError("the flow did not come to wait for a human, so that there is nothing to resume")
        waiting = type(flow).from_pending(pending.context.flow_id, persistence=flow.persistence)
        resume = waiting.resume if consumer.is_sync else waiting.resume_async
        call = f"{resume.__name__}(…)"
        if not streamed:
            value, raised = tried(consumer, partial(resume, _ANSWER))
            return Evidence((), "exhausted", observations=(_seen(call, value, raised, performance.stage),))
        waiting.stream = True
        call = f"{call} with stream=True"
        session, raised = tried(consumer, partial(resume, _ANSWER))
        missing = () if raised is not None else no_session(consumer, session)
        early = ran_in(performance.stage, ("ends",))
        if raised is not None or missing:
            seen = replace(_seen(call, session, raised, performance.stage), missing=missing, early=early)
            return Evidence((), "exhausted", observations=(seen,))
        evidence = read_to_end(consumer, consumer.keep(session))
        read = evidence.reads[-1]
        seen = replace(_seen(call, read.value, read.raised, performance.stage), early=early)
        told = FeedbackShown("an answer that resumes a flow", _told(evidence.frames), (("received", _ANSWER),))
        return replace(evidence, observations=(seen, told))

    return observe


def _seen(call: str, value: object, raised: BaseException | None, stage: Stage) -> Resumed:
    # What was run before it waited counts, too: nothing of it may be run again.
    return Resumed(call, raised, value, _VALUE, ran_in(stage, _METHODS), _METHODS)


_NEEDS: Final = frozenset({"flow", "feedback"})
_ENDED: Final = FRAMES | {"result.value"}
_SHOWN: Final = frozenset({"flow.feedback-frames", "channel.flow"})

SCENARIOS: tuple[Scenario, ...] = (
    *both("pause/answered", _ENDED | _SHOWN, _answered("provider"), _NEEDS),
    *both("pause/answered/terminal", _ENDED | _SHOWN, _answered("terminal"), _NEEDS),
    *both("pause/asked", _ENDED | _SHOWN, _asked, _NEEDS),
    *both("pause/pending", FRAMES | _SHOWN | {"flow.pending"}, _pending, _NEEDS),
    *both("pause/resumed", frozenset({"flow.pending"}), _resumed(streamed=False), _NEEDS),
    *both("pause/resumed-streamed", frozenset({"flow.pending"}), _resumed(streamed=True), _NEEDS),
)
