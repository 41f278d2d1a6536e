"""The scenarios of restores: a sound runtime passes them all, and each broken one fails by its clause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.areas.catalogue import scenarios
from conformance.run.result import ScenarioResult
from conformance.run.suite import perform
from conformance.stage.scenario import Scenario
from harness import BaseEvent
from harness.events import CheckpointRestoreStartedEvent
from tests.conformance.standins.restores import RestoringFlow, RestoringSubject

SCENARIOS = [
    scenario for scenario in scenarios().values() if "checkpoint" in scenario.needs and "turn" not in scenario.needs
]


def fallen_short(result: ScenarioResult) -> dict[str, list[str]]:
    """Return the messages of every clause that did not pass."""
    assert result.fault is None
    return {
        decision.clause: [found.message for found in decision.violations]
        for decision in result.decisions
        if decision.status != "passed"
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_sound_runtime_passes_every_clause_that_a_scenario_names(scenario: Scenario) -> None:
    result = perform(RestoringSubject(), scenario)
    assert fallen_short(result) == {}
    assert {decision.clause for decision in result.decisions} == scenario.clauses


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

    flow: type[RestoringFlow]
    #: How the ids of the scenarios begin that must catch it, in both kinds.
    caught_by: str
    clause: str
    message: str

    def __str__(self) -> str:
        return f"{self.flow.__name__.strip('_')}-{self.caught_by}"


BROKEN = (
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
        found = fallen_short(perform(RestoringSubject(broken.flow), scenario))
        entry = "stream_events" if scenario.id.endswith("/sync") else "astream"
        wanted = broken.message.replace("{entry}", entry)
        assert any(wanted in message for message in found[broken.clause]), (scenario.id, found)


def _starting_with(beginning: str) -> Sequence[Scenario]:
    return [scenario for scenario in SCENARIOS if scenario.id.startswith(beginning)]
