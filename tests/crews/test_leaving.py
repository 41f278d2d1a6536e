"""Claims about crews that are left: closing, and what stays of a run."""

from __future__ import annotations

import gc
import weakref

import pytest

from harness import Crew
from tests.agents.scripted import (
    WAYS,
    Held,
    Way,
    agent,
    left,
    session_of,
)
from tests.crews.pilots import crew_of, task
from tests.session.bodies import join_harness_threads


@pytest.mark.parametrize("way", WAYS)
def test_closing_returns_while_tasks_beside_each_other_are_blocked_and_leaves_nothing(way: Way) -> None:
    held = [Held(), Held()]
    agents = [agent(each) for each in held]
    crew = Crew(agents=agents, tasks=[task("Look.", each, async_execution=True) for each in agents])

    session = left(crew, [each.reached for each in held], way)
    count = len(session.frames)
    for each in held:
        each.let_go.set()
    join_harness_threads()

    assert session.is_cancelled
    assert len(session.frames) == count


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_run_is_kept(way: Way) -> None:
    crew = crew_of("one", "two")
    frames, _ = session_of(crew, way, inputs={"topic": "frames"})
    assert len(frames) > 10
    gone = [weakref.ref(one) for one in (crew, *crew.tasks, *crew.agents, crew.agents[0].llm)]
    del crew, frames, _
    # The thread of a run has it until it ends, which may come after its session's end.
    join_harness_threads()
    gc.collect()
    assert [one() for one in gone] == [None] * len(gone)
