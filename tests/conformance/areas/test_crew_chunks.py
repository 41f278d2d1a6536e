"""What the chunks of a streamed crew are held to: one broken chunk each, beside the sound ones."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.areas.entry.crew_chunks import TaskAnswer, chunks_of
from harness import StreamChunk, StreamChunkType, ToolCallChunk

CALL = "Crew(stream=True).kickoff()"
ARGUMENTS = '{"place": "Bergen"}'
OUTLINE = TaskAnswer("A lighthouse.", 0, "outline", "t0", "Writer", "a0")
EXPAND = TaskAnswer("Tall.", 1, "expand", "t1", "Writer", None, "get_tide", ARGUMENTS)


def chunk(content: str, task: TaskAnswer, arguments: str | None = None) -> StreamChunk:
    called = None if arguments is None else ToolCallChunk(tool_id="c0", tool_name="get_tide", arguments=arguments)
    return StreamChunk(
        content=content,
        chunk_type=StreamChunkType.TEXT if called is None else StreamChunkType.TOOL_CALL,
        task_index=task.task_index,
        task_name=task.task_name,
        task_id=task.task_id or "",
        agent_role=task.agent_role,
        agent_id="a0",
        tool_call=called,
    )


PIECES = (chunk("A light", OUTLINE), chunk("house.", OUTLINE))
CALLED = (chunk('{"place"', EXPAND, '{"place"'), chunk(': "Bergen"}', EXPAND, ARGUMENTS))
LAST = chunk("Tall.", EXPAND)
CHUNKS = (*PIECES, *CALLED, LAST)


def changed(place: int, **changes: Any) -> tuple[StreamChunk, ...]:
    """Return the chunks, of which one says something else."""
    return (*CHUNKS[:place], CHUNKS[place].model_copy(update=changes), *CHUNKS[place + 1 :])


def said_of(chunks: tuple[StreamChunk, ...]) -> list[str]:
    rows = chunks_of(CALL, (OUTLINE, EXPAND), chunks)
    return [message for row in rows for _, message in row.breaches]


@pytest.mark.parametrize(
    ("chunks", "says"),
    [
        (CHUNKS, None),
        (CHUNKS[1:], "'house.Tall.', not 'A lighthouse.Tall.'"),
        ((PIECES[0], *CHUNKS), "not 'A lighthouse.Tall.'"),
        ((*PIECES, LAST), "whether there are chunks of a tool call of task 'expand'"),
        ((*PIECES, CALLED[1], LAST), "joined: ': \"Bergen\"}', not "),
        ((CALLED[1], *CHUNKS), "whether there are chunks of a tool call of task 'outline'"),
        ((chunk("A lighthouse.Tall.", OUTLINE),), "whether there is any chunk of task 'expand'"),
        (changed(0, chunk_type=None), "the chunk_type of chunks of task 'outline'"),
        (changed(2, chunk_type=StreamChunkType.TEXT), "the text of all chunks"),
        (changed(4, task_index=0), "task_index of chunks of task 'expand'"),
        (changed(4, task_name=""), "1 of 3 have '', not 'expand'"),
        (changed(1, task_id="t1"), "1 of 2 have 't1', not the one that it has"),
        (changed(1, task_id=""), "task_id of chunks of task 'outline'"),
        (changed(0, agent_role="Editor"), "1 of 2 have 'Editor', not 'Writer'"),
        (changed(4, agent_id=""), "agent_id of chunks of task 'expand'"),
        (changed(3, tool_call=None), "the tool call of the last chunk of task 'expand'"),
        (changed(2, tool_call=ToolCallChunk(tool_id="c1", tool_name="get_tide")), "have one id"),
    ],
)
def test_a_chunk_that_says_something_else_is_told(chunks: tuple[StreamChunk, ...], says: str | None) -> None:
    messages = said_of(chunks)

    assert messages == [] if says is None else any(says in message for message in messages), messages


def test_what_chunks_say_wrongly_is_told_once_for_each_task() -> None:
    nameless = tuple(piece.model_copy(update={"task_name": ""}) for piece in CHUNKS)

    assert [message.partition(" that ")[0] for message in said_of(nameless)] == [
        "task_name of chunks of task 'outline'",
        "task_name of chunks of task 'expand'",
    ]
