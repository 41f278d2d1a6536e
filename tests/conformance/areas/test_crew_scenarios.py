"""What crews owe their readers can be kept, and each part of it broken: a sound stand-in, and one override of it each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import harness
from conformance.areas.catalogue import scenarios
from conformance.run.result import ScenarioResult
from conformance.run.suite import perform
from harness.events.base import BaseEvent
from tests.conformance.standins.crews import Crew, CrewOutput, CrewStreamingOutput, CrewSubject, TaskOutput

SCENARIOS = {name: scenario for name, scenario in scenarios().items() if "crew" in scenario.needs}


# Streams, each with one thing overridden.


class IsReadOnce(CrewStreamingOutput):
    def __iter__(self) -> Iterator[harness.StreamChunk]:
        return iter(()) if self.is_completed else super().__iter__()


class BeginsLate(CrewStreamingOutput):
    def __iter__(self) -> Iterator[harness.StreamChunk]:
        chunks = super().__iter__()
        next(chunks)
        return chunks


class EndsWell(CrewStreamingOutput):
    def __iter__(self) -> Iterator[harness.StreamChunk]:
        try:
            yield from super().__iter__()
        except harness.ProviderError:
            return


class WaitsToClose(CrewStreamingOutput):
    def close(self) -> None:
        list(self.session)
        super().close()

    async def aclose(self) -> None:
        async for _ in self.session:
            pass
        await super().aclose()


class IsNotGated(CrewStreamingOutput):
    @property
    def result(self) -> Any:
        return self.session.result if self.is_completed else CrewOutput([TaskOutput("none", "")])


class SharesItsChunks(CrewStreamingOutput):
    every: list[SharesItsChunks] = []

    def __init__(self, crew: Crew, session: Any) -> None:
        super().__init__(crew, session)
        self.every.append(self)

    def __iter__(self) -> Iterator[harness.StreamChunk]:
        yield from super().__iter__()
        for other in self.every:
            if other is not self:
                yield from other.chunks


# Crews, each with one thing overridden.


def streaming(output: type[CrewStreamingOutput]) -> type[Crew]:
    return type(output.__name__, (Crew,), {"streaming": output})


class GivesFrames(Crew):
    def streamed(self, session: Any) -> Any:
        return session


class CanNotStream(Crew):
    def kickoff(self) -> Any:
        if self.stream:
            raise harness.UsageError("crews can't stream")
        return super().kickoff()


class SetsFlags(Crew):
    def kickoff(self) -> Any:
        if self.stream:
            self.agents[0].llm.stream = True
        return super().kickoff()


class AlwaysStreams(Crew):
    def run(self) -> CrewOutput:
        with harness.call_stream_override(self.agents[0].llm, True):
            return super().run()


class TellsNoTools(Crew):
    def emit(self, event: BaseEvent) -> None:
        if not event.type.startswith("tool_usage"):
            super().emit(event)


class TellsNoAgents(Crew):
    def emit(self, event: BaseEvent) -> None:
        if not event.type.startswith("agent_execution"):
            super().emit(event)


class LeavesTasksOpen(Crew):
    def emit(self, event: BaseEvent) -> None:
        if event.type != "task_failed":
            super().emit(event)


@dataclass(frozen=True)
class Broken:
    """A crew with one override, the clause that it breaks, and the scenarios that find it."""

    crew: type[Crew]
    clause: str
    found_in: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.clause}: {self.crew.__name__}"


BROKEN = (
    Broken(streaming(IsReadOnce), "entry.crew", ("crew/streamed/kickoff",)),
    Broken(streaming(BeginsLate), "entry.crew", ("crew/streamed/kickoff", "crew/failing/kickoff")),
    Broken(streaming(BeginsLate), "scope.nested", ("crew/in-flow/streamed/sync-method/sync",)),
    Broken(streaming(EndsWell), "entry.crew", ("crew/failing/kickoff",)),
    Broken(streaming(WaitsToClose), "entry.crew", ("crew/closed/kickoff", "crew/closed/akickoff")),
    Broken(streaming(IsNotGated), "entry.crew", ("crew/streamed/kickoff", "crew/streamed/akickoff")),
    Broken(GivesFrames, "entry.crew", ("crew/streamed/kickoff", "crew/failing/akickoff", "crew/closed/kickoff_async")),
    Broken(CanNotStream, "entry.crew", ("crew/streamed/kickoff", "crew/tool/kickoff", "crew/closed/kickoff")),
    Broken(CanNotStream, "entry.flag-restored", ("crew/flags/kickoff",)),
    Broken(CanNotStream, "scope.isolated", ("crew/beside/kickoff",)),
    Broken(streaming(SharesItsChunks), "scope.isolated", ("crew/beside/kickoff",)),
    Broken(SetsFlags, "entry.flag-restored", ("crew/flags/kickoff",)),
    Broken(AlwaysStreams, "scope.captures-llm", ("crew/in-flow/told-not-to-stream/sync-method/sync",)),
    Broken(TellsNoTools, "scope.nested", ("crew/in-flow/tool/sync", "crew/in-flow/tool/async")),
    Broken(
        TellsNoAgents, "scope.nested", ("crew/in-flow/told-nothing/async-method/sync", "crew/in-flow/http-400/async")
    ),
    Broken(LeavesTasksOpen, "order.scope-nesting", ("crew/in-flow/http-500/sync",)),
    Broken(LeavesTasksOpen, "scope.nested", ("crew/in-flow/http-500/sync",)),
)


#: Those in which a broken crew is found; a sound one passes each of them.
FOUND_IN = sorted({name for broken in BROKEN for name in broken.found_in})


@pytest.mark.parametrize("name", FOUND_IN)
def test_a_sound_crew_keeps_every_clause_that_a_scenario_names(name: str) -> None:
    scenario = SCENARIOS[name]
    result = perform(CrewSubject(), scenario)

    assert result.fault is None
    assert [decision for decision in result.decisions if decision.status != "passed"] == []
    assert {decision.clause for decision in result.decisions} == scenario.clauses


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_crew_that_breaks_a_clause_is_found_by_it(broken: Broken) -> None:
    results = [perform(CrewSubject(broken.crew), SCENARIOS[name]) for name in broken.found_in]

    assert [result.fault for result in results] == [None] * len(results)
    assert {name: failed(result) for name, result in zip(broken.found_in, results, strict=True)} == {
        name: failed_by(broken) for name in broken.found_in
    }


def failed(result: ScenarioResult) -> set[str]:
    return {decision.clause for decision in result.decisions if decision.status == "failed"}


def failed_by(broken: Broken) -> set[str]:
    """Return all clauses that the same crew breaks, in any row."""
    return {
        row.clause for row in BROKEN if row.crew.__name__ == broken.crew.__name__ and row.found_in == broken.found_in
    }
