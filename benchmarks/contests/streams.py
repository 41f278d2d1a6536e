"""Frames, bytes and what carries them: how fast they come, what they weigh, and how soon closing ends them."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: What every chunk says, whoever streams it.
TEXT: Final = "a chunk of text "


def frames(settings: Settings) -> Contest:
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


#: The stage, as `scripts/stage.py` knows it, and what it is.
_STAGES: Final = {
    "construct": "event made by its class",
    "chunk": "event made by a call",
    "stamp": "emitted, no session open",
    "append": "kept in a timeline",
    "content": "frame read for its text",
    "fields": "frame read for its fields",
    "async_cursor": "frame read for its text, async",
    "async_delivery": "appended and handed to a waiting task",
}


def stages(settings: Settings) -> Contest:
    """Return the stages, each measured over `settings.chunks` chunks."""
    work = (str(settings.chunks), TEXT)
    return Contest(
        "stages",
        "Stages of one chunk",
        "µs",
        tuple(Contestant(title, "stage.py", (stage, *work)) for stage, title in _STAGES.items()),
    )


#: How long the run would go on blocking.
_SECONDS: Final = "2"
_KINDS: Final = {
    "read": "harness, in a provider read",
    "sleep": "harness, in a sleep",
    "async-read": "harness, async, in a provider read",
    "async-sleep": "harness, async, in a sleep",
}


#: A session is closed whose run would block.
CLOSING: Final = Contest(
    "closing",
    f"Closing while the run blocks for {_SECONDS} s",
    "ms",
    (
        *(Contestant(title, "harness_closing.py", (kind, _SECONDS)) for kind, title in _KINDS.items()),
        Contestant("CrewAI, in a sleep", "peers/crewai_closing.py", (_SECONDS,), "crewai"),
    ),
    tuple(Ratio(title, bound=("at most", 250)) for title in _KINDS.values()),
)


def memory(settings: Settings) -> Contest:
    """Return the weight of one of `settings.chunks` frames that a session retains."""
    return Contest(
        "memory",
        "Memory of a retained chunk frame",
        "bytes",
        (Contestant("harness", "harness_memory.py", (str(settings.chunks), TEXT)),),
        (Ratio("harness", bound=("at most", 1024)),),
    )


#: Chunks of text in an answer.
_CHUNKS: Final = 4_000
#: Folders of recordings that come with this project, one for each integration.
_PROVIDERS: Final = ("openai", "openai_responses", "anthropic", "bedrock", "gemini", "azure")


#: Each SDK alone, and under a session of this project.
PROVIDERS: Final = Contest(
    "providers",
    f"An answer of {_CHUNKS:,} chunks of text, from its bytes",
    "ms",
    tuple(
        Contestant(f"{provider}, {reader}", "provider_stream.py", (provider, reader, str(_CHUNKS)))
        for provider in _PROVIDERS
        for reader in ("sdk", "harness")
    ),
    tuple(Ratio(f"{provider}, harness", f"{provider}, sdk", ("at most", 1.5)) for provider in _PROVIDERS),
)

#: Requests, and pieces of an answer: one every 5 ms, so that the whole answer takes a quarter of a second.
_ANSWERED: Final = ("9", "50")
#: Clients that wait for the first byte, with and without a recorder.
FIRST_BYTE: Final = Contest(
    "first-byte",
    "First byte of an answer of 250 ms, while recording",
    "ms",
    (
        Contestant("not recording", "first_byte.py", ("plain", *_ANSWERED)),
        Contestant("harness", "first_byte.py", ("harness", *_ANSWERED)),
        Contestant("vcrpy", "first_byte.py", ("vcrpy", *_ANSWERED)),
    ),
    (Ratio("harness", "not recording", ("at most", 1.1)), Ratio("vcrpy", "not recording")),
)
