"""Frames per second, from making an event to the body of the loop that reads its frame."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: What every chunk says, whoever streams it.
TEXT: Final = "a chunk of text "


def contest(settings: Settings) -> Contest:
    """Return the contest of all who stream `settings.chunks` chunks."""
    work = (str(settings.chunks), TEXT)
    return Contest(
        "frames",
        f"Streaming {settings.chunks:,} chunks",
        "frames/s",
        (
            Contestant("harness", "harness_frames.py", work),
            Contestant("CrewAI", "peers/crewai_frames.py", work, "crewai"),
            Contestant("CrewAI, silent", "peers/crewai_frames.py", (*work, "silent"), "crewai"),
            Contestant("pydantic-ai", "peers/pydantic_ai_frames.py", work, "pydantic-ai"),
            Contestant("LangGraph", "peers/langgraph_frames.py", work, "langgraph"),
            Contestant("bare queue", "peers/bare_frames.py", work),
            Contestant("harness, async", "harness_async_frames.py", (*work, "100")),
            Contestant("harness, async, each frame awaited", "harness_async_frames.py", (*work, "1")),
            Contestant("LangGraph, async", "peers/langgraph_frames.py", (*work, "async"), "langgraph"),
        ),
        (
            Ratio("harness", "CrewAI", ("at least", 20)),
            Ratio("harness", "CrewAI, silent"),
            Ratio("harness", "pydantic-ai", ("at least", 8)),
            Ratio("harness", "bare queue", ("at least", 0.5)),
            Ratio("harness", "LangGraph", ("at least", 1)),
            Ratio("harness, async", "CrewAI"),
            Ratio("harness, async, each frame awaited", "pydantic-ai"),
            Ratio("harness, async", "LangGraph, async", ("at least", 1)),
            Ratio("harness, async", "bare queue", ("at least", 0.5)),
        ),
    )
