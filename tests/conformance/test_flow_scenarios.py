"""The scenarios of pauses and restores: a sound runtime passes them all, and each broken one fails by its clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.areas.flow import restores, scenarios as pauses
from conformance.run.decisions import ScenarioResult
from conformance.run.suite import perform
from conformance.stage.programs import Method
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Subject
from harness import BaseEvent
from harness.events import CheckpointRestoreStartedEvent, FlowFailedEvent, FlowPausedEvent
from tests.conformance.standins.pauses import PausingFlow, PausingSubject
from tests.conformance.standins.restores import RestoringFlow, RestoringSubject

SOUND = [
    *((PausingSubject, one) for one in pauses.SCENARIOS),
    *((RestoringSubject, one) for one in restores.SCENARIOS),
]


def fallen_short(result: ScenarioResult) -> dict[str, list[str]]:
    """Return the messages of every clause that did not pass."""
    assert result.fault is None
    return {
        one.clause: [found.message for found in one.violations] for one in result.decisions if one.status != "passed"
    }


@pytest.mark.parametrize(("subject", "scenario"), SOUND, ids=lambda value: getattr(value, "id", ""))
def test_a_sound_runtime_passes_every_clause_that_a_scenario_names(
    subject: Callable[[], Subject], scenario: Scenario
) -> None:
    result = perform(subject(), scenario)
    assert fallen_short(result) == {}
    assert {one.clause for one in result.decisions} == scenario.clauses


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
        "and was to show requested 'Is that right?', received 'Yes.'",
    ),
    Broken(_Unasked, "pause/pending/", "flow.feedback-frames", "the session shows nothing"),
    Broken(_Unheard, "pause/answered/", "flow.feedback-frames", "shows requested 'Is that right?', and was"),
    Broken(
        _Unheard, "pause/resumed-streamed/", "flow.feedback-frames", "shows nothing, and was to show received 'Yes.'"
    ),
    Broken(_AsksQuietly, "pause/asked/", "flow.feedback-frames", "an input provider: the session shows nothing"),
    Broken(_RaisesPending, "pause/pending/", "flow.pending", "a session of a flow that waits raised Pending"),
    Broken(_ForgetsPending, "pause/pending/", "flow.pending", "came to None, not to the pending object"),
    Broken(_ForgetsPending, "pause/resumed/", "flow.pending", "there is nothing to resume"),
    Broken(
        _FailsToPause,
        "pause/pending/",
        "flow.pending",
        "shows the ends method_execution_finished, method_execution_paused, flow_failed",
    ),
    Broken(_BeginsAgain, "pause/resumed/", "flow.pending", "ran 'drafts', more than once"),
    Broken(_BeginsAgain, "pause/resumed-streamed/", "flow.pending", "ran 'drafts', more than once"),
    Broken(_AsksAgain, "pause/resumed/", "flow.pending", "ran 'asks', more than once"),
    Broken(_ResumesPlainly, "pause/resumed-streamed/", "flow.pending", "gave no session of that kind: str has no"),
    Broken(_ResumesPlainly, "pause/resumed-streamed/", "flow.pending", "ran ends before the first frame was asked for"),
    Broken(_RunsAll, "restore/streamed/", "flow.checkpoint", "ran 'kept', which was not its to run"),
    Broken(
        _RestoresQuietly,
        "restore/streamed/",
        "flow.checkpoint",
        "begins with flow_started, not with checkpoint_restore",
    ),
    Broken(
        _LeavesOpen, "restore/streamed/", "order.scope-nesting", "checkpoint_restore_started (seq 3) is never closed"
    ),
    Broken(_LeavesOpen, "restore/kickoff/", "flow.checkpoint", "a restored run breaks order.scope-nesting"),
    Broken(_KicksOffPlainly, "restore/kickoff/", "flow.checkpoint", "gave no session of that kind: str has no"),
    Broken(_GivesSession, "restore/kickoff/", "flow.checkpoint", "StreamSession object"),
    Broken(_GivesSession, "restore/streamed/", "flow.checkpoint", "did not run 'lost'"),
    Broken(_ForgetsState, "restore/state/", "entry.kwargs", "flow.{entry}(restore_from_state_id=…) was given"),
    Broken(_RestoresElsewhere, "restore/streamed/", "entry.kwargs", "with from_checkpoint=… was given"),
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
    return [one for one in (*pauses.SCENARIOS, *restores.SCENARIOS) if one.id.startswith(beginning)]


def _subject(flow: type[PausingFlow | RestoringFlow]) -> Subject:
    return PausingSubject(flow) if issubclass(flow, PausingFlow) else RestoringSubject(flow)
