"""Claims about crews that are ported: written as users of the reference runtime write them, with other imports."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from harness import Agent, BaseEventListener, Crew, EventBus, Flow, Task, TaskOutput, event_bus, listen, start
from harness.events import LLMStreamChunkEvent
from tests.agents.scripted import Speaker

TEXT = "Agents \nplan, \nact and \ncheck."


@pytest.fixture
def analyst() -> Agent:
    return Agent(role="Research Analyst", goal="Find out what is new", backstory="Reads a lot.", llm=Speaker(TEXT))


@pytest.fixture
def summary(analyst: Agent) -> Task:
    return Task(description="Write about agents", expected_output="A summary", agent=analyst)


def test_a_streamed_crew_in_a_streamed_flow(analyst: Agent, summary: Task) -> None:
    class PipelineFlow(Flow):
        stream = True

        @start()
        def research(self) -> None:
            crew = Crew(agents=[analyst], tasks=[summary], stream=True)
            full_text = ""
            for chunk in crew.kickoff():
                full_text += str(chunk)
            self.state["research"] = full_text

        @listen(research)
        def write(self) -> Any:
            return self.state["research"]

    stream = PipelineFlow().kickoff()
    shown = "".join(str(frame) for frame in stream)

    # The tokens of the crew are the flow's, too.
    assert shown == TEXT == stream.result


def test_a_listener_follows_one_agent_of_a_crew_that_is_told_to_stream() -> None:
    llm = Speaker(TEXT, stream=True)
    researcher = Agent(role="About the user", goal="Know the user.", backstory="Remembers.", llm=llm)
    search = Task(description="Answer about the user: {question}", expected_output="An answer.", agent=researcher)
    other = Agent(role="Other", goal="Answer.", backstory="Guesses.", llm=Speaker("No.", stream=True))
    guess = Task(description="Guess.", expected_output="A guess.", agent=other)
    received: list[str] = []

    class MyListener(BaseEventListener):
        def setup_listeners(self, bus: EventBus) -> None:
            @bus.on(LLMStreamChunkEvent)
            def on_chunk(source: Any, event: LLMStreamChunkEvent) -> None:
                if researcher.id == event.agent_id:
                    received.append(event.chunk)

    with event_bus.scoped_handlers():
        MyListener()
        Crew(agents=[researcher, other], tasks=[search, guess]).kickoff(inputs={"question": "Who?"})

    assert "".join(received) == TEXT


def test_a_task_may_be_told_the_output_of_which_the_next_one_hears(analyst: Agent, summary: Task) -> None:
    summary.output = TaskOutput(description="Write about agents", raw="Agents act.", agent="Research Analyst")
    shorten = Task(description="Shorten it", expected_output="A word", agent=analyst, context=[summary])

    with patch.object(Agent, "execute_task", return_value="Act.") as execute:
        Crew(agents=[analyst], tasks=[shorten]).kickoff()

    assert execute.call_args.kwargs["context"] == "Agents act."
