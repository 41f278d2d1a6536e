"""The scenarios of pauses and restores: a sound runtime passes them all, and each broken one fails by its clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.areas.catalogue import scenarios
from conformance.run.result import ScenarioResult
from conformance.run.suite import perform
from conformance.stage.programs import Method
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Subject
from harness import BaseEvent
from harness.events import CheckpointRestoreStartedEvent, FlowFailedEvent, FlowPausedEvent
from tests.conformance.standins.pauses import PausingFlow, PausingSubject
from tests.conformance.standins.restores import RestoringFlow, RestoringSubject

SCENARIOS = [
    scenario
    for scenario in scenarios().values()
    if scenario.needs & {"feedback", "checkpoint"} and "turn" not in scenario.needs
]
SOUND = [(PausingSubject if "feedback" in scenario.needs else RestoringSubject, scenario) for scenario in SCENARIOS]


def fallen_short(result: ScenarioResult) -> dict[str, list[str]]:
    """Return the messages of every clause that did not pass."""
    assert result.fault is None
    return {
        decision.clause: [found.message for found in decision.violations]
        for decision in result.decisions
        if decision.status != "passed"
    }


@pytest.mark.parametrize(("subject", "scenario"), SOUND, ids=lambda value: getattr(value, "id", ""))
def test_a_sound_runtime_passes_every_clause_that_a_scenario_names(
    subject: Callable[[], Subject], scenario: Scenario
) -> None:
    result = perform(subject(), scenario)
    assert fallen_short(result) == {}
    assert {decision.clause for decision in result.decisions} == scenario.clauses


class _Unasked(PausingFlow):
    """Says nothing of asking."""

    def requested(self, method: Method) -> None: ...


class _Unheard(PausingFlow):
    """Says nothing of an answer."""

    def received(self, method: Method, answer: str) -> None: ...


class _AsksQuietly(PausingFlow):
    """Says nothing of asking for input."""

    def ask(self, message: str) -> str:
        answer: str = self.input_provider.request_input(message, self)
        return answer


class _RaisesPending(PausingFlow):
    """Raises where it waits."""

    def pause(self, method: Method) -> Any:
        raise super().pause(method)


class _ForgetsPending(PausingFlow):
    """Waits, and comes to nothing."""

    def pause(self, method: Method) -> Any:
        super().pause(method)


class _FailsToPause(PausingFlow):
    """Shows a failure where it waits."""

    def emit(self, event: BaseEvent) -> None:
        if isinstance(event, FlowPausedEvent):
            event = FlowFailedEvent(flow_name=event.flow_name, error="waiting")
        super().emit(event)


class _BeginsAgain(PausingFlow):
    """Resumes from the very beginning."""

    def keep(self, method: Method) -> None:
        self.persistence[self.id] = (set(), method.name)


class _AsksAgain(PausingFlow):
    """Runs the method that it waits in once more when it is resumed."""

    def resume(self, feedback: str) -> Any:
        self.subject.steps(self, self.program.methods[1], self.performance)
        return super().resume(feedback)

    async def resume_async(self, feedback: str) -> Any:
        self.subject.steps(self, self.program.methods[1], self.performance)
        return await super().resume_async(feedback)


class _ResumesPlainly(PausingFlow):
    """Resumes without a session, whatever its flag says."""

    def resume(self, feedback: str) -> Any:
        self.stream = False
        return super().resume(feedback)

    async def resume_async(self, feedback: str) -> Any:
        self.stream = False
        return await super().resume_async(feedback)


class _RunsAll(RestoringFlow):
    """Runs finished methods again."""

    def restore(self, location: str) -> None:
        super().restore(location)
        self.finished = {}


class _RestoresQuietly(RestoringFlow):
    """Shows nothing of restoring."""

    def emit(self, event: BaseEvent) -> None:
        if not event.type.startswith("checkpoint_restore"):
            super().emit(event)


class _LeavesOpen(RestoringFlow):
    """Never closes what restoring has opened."""

    def restore(self, location: str) -> None:
        super().restore(location)
        super().emit(CheckpointRestoreStartedEvent(location=location))


class _KicksOffPlainly(RestoringFlow):
    """Restores without a session, whatever its flag says."""

    def kickoff(self, **options: Any) -> Any:
        return self.run(**options)

    async def kickoff_async(self, **options: Any) -> Any:
        return self.run(**options)


class _GivesSession(RestoringFlow):
    """Comes to a session that was not run."""

    def run(self, **options: Any) -> Any:
        return self.stream_events(**options) if options.get("from_checkpoint") else super().run(**options)


class _ForgetsState(RestoringFlow):
    """Begins with a state of its own, whatever it is given."""

    def hydrate(self, state_id: str) -> None: ...


class _RestoresElsewhere(RestoringFlow):
    """Names another checkpoint than it was given."""

    def emit(self, event: BaseEvent) -> None:
        if isinstance(event, CheckpointRestoreStartedEvent):
            event = CheckpointRestoreStartedEvent(location="elsewhere")
        super().emit(event)


@dataclass(frozen=True)
class Broken:
    """A flow that does one thing otherwise, the scenarios that see it, and what they must find."""

    flow: type[PausingFlow | RestoringFlow]
    #: How the ids of the scenarios begin that must catch it, in both kinds.
    caught_by: str
    clause: str
    message: str

    def __str__(self) -> str:
        return f"{self.flow.__name__.strip('_')}-{self.caught_by}"


BROKEN = (
    Broken(
        _Unasked,
        "pause/answered/",
        "flow.feedback-frames",
        "not (('requested', 'Is that right?'), ('received', 'Yes.'))",
    ),
    Broken(_Unasked, "pause/pending/", "flow.feedback-frames", "whose answer comes later: nothing, not"),
    Broken(_Unheard, "pause/answered/", "flow.feedback-frames", ": ('requested', 'Is that right?'), not"),
    Broken(
        _Unheard, "pause/resumed-streamed/", "flow.feedback-frames", "resumes a flow: nothing, not ('received', 'Yes.')"
    ),
    Broken(_AsksQuietly, "pause/asked/", "flow.feedback-frames", "an input provider: nothing, not"),
    Broken(_RaisesPending, "pause/pending/", "flow.pending", "the session of a flow that waits raised Pending"),
    Broken(
        _ForgetsPending,
        "pause/pending/",
        "flow.pending",
        "comes to the pending object, and not to None: False, not True",
    ),
    Broken(_ForgetsPending, "pause/resumed/", "flow.pending", "there is nothing to resume"),
    Broken(
        _FailsToPause,
        "pause/pending/",
        "flow.pending",
        "('method_execution_finished', 'method_execution_paused', 'flow_failed'), not",
    ),
    Broken(_BeginsAgain, "pause/resumed/", "flow.pending", "has 'drafts', which was not due"),
    Broken(_BeginsAgain, "pause/resumed-streamed/", "flow.pending", "has 'drafts', which was not due"),
    Broken(_AsksAgain, "pause/resumed/", "flow.pending", "has 'asks', which was not due"),
    Broken(_ResumesPlainly, "pause/resumed-streamed/", "flow.pending", "what str, given by"),
    Broken(
        _ResumesPlainly,
        "pause/resumed-streamed/",
        "flow.pending",
        "ran before the first frame was asked for: 'ends', not nothing",
    ),
    Broken(_RunsAll, "restore/streamed/", "flow.checkpoint", "ran has 'kept', which was not due"),
    Broken(
        _RestoresQuietly,
        "restore/streamed/",
        "flow.checkpoint",
        "begins: 'flow_started', not ('checkpoint_restore_started'",
    ),
    Broken(
        _LeavesOpen, "restore/streamed/", "order.scope-nesting", "checkpoint_restore_started (seq 3) is never closed"
    ),
    Broken(_LeavesOpen, "restore/kickoff/", "flow.checkpoint", "what breaks order.scope-nesting in a restored run: "),
    Broken(_KicksOffPlainly, "restore/kickoff/", "flow.checkpoint", "what str, given by"),
    Broken(_GivesSession, "restore/kickoff/", "flow.checkpoint", "StreamSession object"),
    Broken(_GivesSession, "restore/streamed/", "flow.checkpoint", "ran lacks 'lost'"),
    Broken(_ForgetsState, "restore/state/", "entry.kwargs", "given by flow.{entry}(restore_from_state_id=…): {}, not"),
    Broken(_RestoresElsewhere, "restore/streamed/", "entry.kwargs", "with from_checkpoint=…: 'elsewhere', not"),
)


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_broken_runtime_is_caught_by_its_clause(broken: Broken) -> None:
    chosen = _starting_with(broken.caught_by)
    assert chosen
    for scenario in chosen:
        subject = _subject(broken.flow)
        found = fallen_short(perform(subject, scenario))
        entry = "stream_events" if scenario.id.endswith("/sync") else "astream"
        wanted = broken.message.replace("{entry}", entry)
        assert any(wanted in message for message in found[broken.clause]), (scenario.id, found)


def _starting_with(beginning: str) -> Sequence[Scenario]:
    return [scenario for scenario in SCENARIOS if scenario.id.startswith(beginning)]


def _subject(flow: type[PausingFlow | RestoringFlow]) -> Subject:
    return PausingSubject(flow) if issubclass(flow, PausingFlow) else RestoringSubject(flow)
