"""A crew at work, watched live, a row for each task: `python -m examples.token_dashboard`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from examples.offline import show
from harness import Agent, Crew, StreamFrame, StreamSession, Task, tool

MODEL = "openai/gpt-4o-mini"


@tool("wind_gauge")
def wind_gauge(place: str) -> str:
    """Tell how hard the wind blows at a place."""
    return f"Force 5 from the west at {place}."


def _watch(name: str, description: str, *tools: Any) -> Task:
    keeper = Agent(
        role=f"{name.title()} keeper", goal="Keep watch.", backstory="You are awake.", llm=MODEL, tools=[*tools]
    )
    return Task(name=name, description=description, expected_output="One sentence.", agent=keeper, async_execution=True)


master = Agent(role="Harbour master", goal="Decide.", backstory="You have seen many storms.", llm=MODEL)
watches = [
    _watch("wind", "Measure the wind at the pier.", wind_gauge),
    _watch("sea", "Describe the sea outside."),
    _watch("light", "Tell whether the light is lit."),
]
decision = Task(
    name="decision", description="Say whether ships may leave.", expected_output="Yes or no, and why.", agent=master
)
#: Three tasks side by side, and one that waits for them.
crew = Crew(agents=[*(task.agent for task in watches if task.agent), master], tasks=[*watches, decision])


@dataclass
class Row:
    """What the frames of one task have said so far."""

    task: str
    state: str = "at work"
    agent: str = ""
    #: Tokens as they stream; the provider's count of them, once it has come.
    pieces: int = 0
    used: int = 0
    tools: list[str] = field(default_factory=list)
    text: str = ""


class Dashboard:
    """The rows, filled from frames alone; drawn by `rich`."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def take(self, frame: StreamFrame) -> None:
        """Note what a frame says of its task."""
        said = frame.data
        # The frame that begins a task comes before all others that name it.
        row = self.rows.setdefault(said["task_id"], Row(said["task_name"])) if said.get("task_id") else None
        if row is None:
            return
        match frame.type:
            case "task_completed" | "task_failed":
                row.state = frame.type.removeprefix("task_")
            case "llm_call_started":
                row.agent, row.text = said["agent_role"], ""
            case "llm_stream_chunk":
                row.pieces += 1
                row.text += frame.content
            case "llm_call_completed":
                row.used += (said["usage"] or {}).get("total_tokens", 0)
            case "tool_usage_started":
                row.tools.append(said["tool_name"])

    def __rich__(self) -> Table:
        """Return the table as it stands."""
        table = Table("task", "state", "agent", "streamed", "used", "tools", "text", expand=True)
        for row in self.rows.values():
            text = " ".join(row.text.split())[-60:]
            tools = ", ".join(row.tools)
            table.add_row(row.task, row.state, row.agent, str(row.pieces), str(row.used), tools, text)
        table.add_section()
        rows = self.rows.values()
        table.add_row("all", "", "", str(sum(row.pieces for row in rows)), str(sum(row.used for row in rows)), "", "")
        return table


def watch(session: StreamSession[Any]) -> None:
    """Draw the table again for each frame, and print what the crew comes to."""
    dashboard, console = Dashboard(), Console()
    with Live(dashboard, console=console, refresh_per_second=20):
        for frame in session:
            dashboard.take(frame)
            if console.is_terminal:
                time.sleep(0.03)  # A recording answers at once, and somebody watches.
    print(f"\n\nresult: {session.result}")


if __name__ == "__main__":
    show(crew, "dashboard", shown=watch)
