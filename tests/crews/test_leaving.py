"""Claims about crews that are left: closing, and what stays of a run."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator

import pytest

from harness import Crew
from harness.agents import driver
from harness.llm import LLMRequest, Part, TextDelta
from tests.agents.scripted import WAYS, Held, Speaker, Way, agent, left, session_of
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


class Endless(Speaker):
    """Says one word after the other, until it is left."""

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        said.set()
        try:
            while not hurried.wait(0.001):
                yield TextDelta("and ")
        finally:
            over.set()


said, hurried, over = threading.Event(), threading.Event(), threading.Event()


def test_a_task_beside_one_that_fails_has_a_moment_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "GRACE_S", 30.0)

    def fail(_: object) -> None:
        assert said.wait(30)
        raise ValueError("no wind")

    agents = [agent(llm=Endless("")), agent("So.")]
    sailing = task("Sail.", agents[0], async_execution=True)
    failing = task("Fail.", agents[1], context=[], callback=fail)
    with pytest.raises(ValueError, match="no wind"):
        Crew(agents=agents, tasks=[sailing, failing]).kickoff()
    ended = over.is_set()
    hurried.set()
    assert ended


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_run_is_kept_and_no_circle_of_it_left_to_the_garbage_collector(way: Way) -> None:
    crew = crew_of("one", "two")
    frames, _ = session_of(crew, way, inputs={"place": "Bergen"})
    assert len(frames) > 10
    gone = [weakref.ref(one) for one in (crew, *crew.tasks, *crew.agents, crew.agents[0].llm)]
    del crew, frames, _
    # The thread of a run has it until it ends, which may come after its session's end.
    join_harness_threads()
    assert [one() for one in gone] == [None] * len(gone)
