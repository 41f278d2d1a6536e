"""A recorded loop walked again: an agent, or a crew, makes its requests, and each is answered as the recorded one was.

A request is answered only where it says the same as the recorded one in all but its prompts, so that a walk ends where
the two part.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from harness import Agent, Crew, Process, Task
from harness.errors import HarnessError
from harness.llm import LLM
from harness.llm.credentials import no_credentials_needed
from harness.llm.recorded import RecordedCall
from harness.recording.tape.tape import network_guard, playing
from harness.recording.wire import WireRequest, WireResponse
from tests.agents.recorded_loop import RecordedLoop
from tests.agents.scripted import Way, by
from tests.agents.step import LoopStep, call_of
from tests.providers.recorded.playing_again import again
from tests.providers.recorded.sending_again import REFUSAL

Program = Callable[[RecordedLoop, Way], Any]
#: How a system prompt begins, here and in what was recorded.
_ROLE: Final = re.compile(rb"You are [^.]+\.")


def kickoff(loop: RecordedLoop, way: Way) -> Any:
    """Have one agent answer: with the loop's model, tools and form."""
    agent = Agent(
        role="Walker",
        goal="Go the same way.",
        backstory="You have a map.",
        llm=llm_of(loop.calls[0]),
        tools=loop.tools(),
        use_system_prompt=loop.steps[0].has_system,
    )
    form = loop.form()
    return by(way, lambda: agent.kickoff("Begin.", form), lambda: agent.kickoff_async("Begin.", form))


def managed(loop: RecordedLoop, way: Way) -> Any:
    """Have a manager hand out the loop's work to coworkers, who are asked in the loop's second request."""
    first = json.loads(loop.interactions[0].response.body)["choices"][0]["message"]["tool_calls"]
    roles = [json.loads(call["function"]["arguments"])["coworker"] for call in first]
    agents = [Agent(role=role, goal="Help.", backstory="You know much.", llm=llm_of(loop.calls[1])) for role in roles]
    task = Task(description="Begin.", expected_output="All of it.")
    manager = Agent(role="Manager", goal="Manage.", backstory="You hand out work.", llm=llm_of(loop.calls[0]))
    crew = Crew(agents=agents, tasks=[task], process=Process.hierarchical, manager_agent=manager)
    return by(way, crew.kickoff, crew.kickoff_async)


def llm_of(call: RecordedCall) -> LLM:
    """Return the model that a recorded call asked, with its settings."""
    # The form is asked for by the kickoff.
    settings = {name: value for name, value in call.settings.items() if name != "response_format"}
    made, _ = again(RecordedCall(call.model, [], [], call.stream, settings))
    return made


@dataclass
class Walk:
    """How far a loop was walked, and how."""

    loop: RecordedLoop
    #: What was asked, up to and with the first request that the loop does not have.
    asked: list[LoopStep] = field(default_factory=list)
    output: Any = None

    @property
    def steps(self) -> int:
        """How many requests were those of the loop."""
        pairs = zip(self.asked, self.loop.steps, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def answer_of(loop: RecordedLoop, place: int, request: WireRequest) -> WireResponse:
    """Return what answered the loop's request of a place, or, of those that say the same, that of the same role.

    Agents that work side by side ask in any order.
    """
    role = _ROLE.search(request.body)
    same = (
        interaction.response
        for step, interaction in zip(loop.steps, loop.interactions, strict=True)
        if step == loop.steps[place] and role is not None and role[0] in interaction.request.body
    )
    return next(same, loop.interactions[place].response)


def walk(path: Path, program: Program = kickoff, way: Way = "sync") -> Walk:
    """Walk the loop of a cassette as far as it goes; nothing else is sent or answered."""
    loop = RecordedLoop.of(path)
    walked, lock = Walk(loop), threading.Lock()

    def answer(asked: WireRequest, *_: Any) -> WireResponse:
        with lock:
            walked.asked.append(LoopStep.of(call_of(asked)))
            place = len(walked.asked) - 1
            fits = place < len(loop.steps) and walked.asked[place] == loop.steps[place]
            return answer_of(loop, place, asked) if fits else REFUSAL

    with (
        network_guard(),
        no_credentials_needed(),
        playing(path, ()) as tape,
        patch.object(tape, "answer", answer),
        # Where the two part the request is refused.
        suppress(HarnessError),
    ):
        walked.output = program(loop, way)
    return walked
