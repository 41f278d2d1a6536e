"""A flow with two crews, the second built on the first: `python -m examples.research_pipeline`."""

from __future__ import annotations

from examples.offline import show
from harness import Agent, Crew, Flow, Task, listen, start, tool

MODEL = "openai/gpt-4o-mini"
HIGH_WATER = {"Bergen": "06:10 and 18:35", "Narvik": "07:40 and 20:05"}


@tool("tide_table")
def tide_table(harbour: str) -> str:
    """Tell when the water is high at a harbour."""
    return HIGH_WATER[harbour]


scout = Agent(
    role="Scout", goal="Find out about tides.", backstory="You trust the table.", llm=MODEL, tools=[tide_table]
)
writer = Agent(role="Writer", goal="Write for sailors.", backstory="You write in short sentences.", llm=MODEL)
editor = Agent(role="Editor", goal="Make texts clear.", backstory="You cut what can be cut.", llm=MODEL)

research = Crew(
    agents=[scout],
    tasks=[
        Task(
            name="research",
            description="Find out when the water is high at each of {harbours}.",
            expected_output="The times of each harbour.",
            agent=scout,
        )
    ],
)
publish = Crew(
    agents=[writer, editor],
    tasks=[
        Task(
            name="draft",
            description="Write a notice to sailors from these findings: {findings}",
            expected_output="Two sentences.",
            agent=writer,
        ),
        Task(name="edit", description="Shorten the notice.", expected_output="One sentence.", agent=editor),
    ],
)


class ResearchFlow(Flow):
    """Lets one crew look up the tides, and another make a notice of what it finds."""

    initial_state = {"harbours": "Bergen and Narvik"}

    @start()
    def look_up(self) -> str:
        """The first crew: one agent with a tool."""
        return str(research.kickoff(inputs={"harbours": self.state["harbours"]}))

    @listen(look_up)
    def write(self, findings: str) -> str:
        """The second: two agents, one after the other."""
        return str(publish.kickoff(inputs={"findings": findings}))


if __name__ == "__main__":
    show(ResearchFlow(), "research")
