"""Crews as they are ported from the reference runtime: only imports change, and they type-check under strict mypy."""

from __future__ import annotations

import asyncio
from typing import Any, assert_type

from pydantic import BaseModel, Field

from harness import (
    LLM,
    Agent,
    BaseTool,
    Crew,
    CrewOutput,
    CrewStreamingOutput,
    LiteAgentOutput,
    Process,
    StreamChunk,
    StreamFrame,
    Task,
    TaskOutput,
    UsageMetrics,
    tool,
)
from harness.agents import AgentAction, AgentFinish
from harness.tools import FunctionTool, ToolFailure, ToolFailurePolicy


class SearchInput(BaseModel):
    query: str = Field(..., description="What to search for.")


class Search(BaseTool):
    name: str = "Search"
    description: str = "Search for something."
    args_schema: type[BaseModel] = SearchInput
    limit: int = 3

    def _run(self, query: str) -> str | ToolFailure:
        return query * self.limit or ToolFailure(message="nothing was asked")


@tool("Add")
def add(one: int, other: int) -> int:
    """Add two numbers."""
    return one + other


@tool("Answer", result_as_answer=True, max_usage_count=1)
def answer() -> str:
    """Answer."""
    return "42"


@tool
def plain(text: str) -> str:
    """Give it back."""
    return text


assert_type(add, FunctionTool)
assert_type(answer, FunctionTool)
assert_type(plain, FunctionTool)


class Report(BaseModel):
    title: str


def is_short(output: TaskOutput) -> tuple[bool, Any]:
    return len(output.raw) < 100, output


def note(step: AgentAction | AgentFinish) -> None:
    print(step.text)


def crew_of(llm: LLM | str) -> Crew:
    researcher = Agent(
        role="Researcher",
        goal="Find out about {topic}.",
        backstory="Reads a lot.",
        llm=llm,
        tools=[Search(limit=2), add, answer],
        max_iter=5,
        max_rpm=10,
        step_callback=note,
        tool_failure_policy=ToolFailurePolicy.RAISE,
    )
    research = Task(description="Research {topic}.", expected_output="Notes.", agent=researcher, async_execution=True)
    earlier = [research]
    report = Task(
        name="report",
        description="Report.",
        expected_output="A report.",
        agent=researcher,
        context=earlier,
        output_pydantic=Report,
        guardrails=[is_short, "It has a title."],
        callback=print,
    )
    return Crew(
        agents=[researcher],
        tasks=[research, report],
        process=Process.sequential,
        verbose=True,
        before_kickoff_callbacks=[lambda inputs: inputs],
    )


def read(crew: Crew) -> tuple[list[StreamFrame], CrewOutput]:
    with crew.stream_events(inputs={"topic": "frames"}) as stream:
        frames = list(stream.lifecycle)
    output = assert_type(stream.result, CrewOutput)
    assert_type(output.token_usage, UsageMetrics)
    assert_type(output.tasks_output[0], TaskOutput)
    return frames, output


def read_chunks(output: CrewStreamingOutput) -> list[StreamChunk]:
    with output:
        return list(output)


async def aread(crew: Crew, agent: Agent) -> str:
    async with crew.astream() as stream:
        async for frame in stream.llm:
            print(frame.content)
    said = assert_type(await agent.kickoff_async("Hello?", response_format=Report), LiteAgentOutput)
    session = agent.astream("Hello?")
    async for frame in session:
        print(frame.type)
    assert_type(session.result, LiteAgentOutput)
    await crew.kickoff_for_each_async([{"topic": "frames"}])
    return said.raw


def main() -> str:
    crew = crew_of("openai/gpt-4o-mini")
    read(crew)
    assert_type(crew.tasks[0].execute_sync(), TaskOutput)
    return asyncio.run(aread(crew, crew.agents[0]))
