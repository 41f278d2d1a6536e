"""The check of `entry.crew` can fail: one broken observation each, beside the sound one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.areas.observations import CrewClosed, CrewKept, CrewResult, CrewStreamed, TaskSaid
from conformance.run.judge import judge
from conformance.timeline.evidence import Evidence
from harness import StreamChunk, StreamChunkType, ToolCallChunk
from tests.conformance.faults import Fault, assert_caught, fault

CALL = "Crew(stream=True).kickoff()"
ARGUMENTS = '{"place": "Bergen"}'
OUTLINE = TaskSaid("A lighthouse.", 0, "outline", "t0", "Writer", "a0")
EXPAND = TaskSaid("Tall.", 1, "expand", "t1", "Writer", None, "get_tide", ARGUMENTS)


def chunk(content: str, task: TaskSaid, arguments: str | None = None) -> StreamChunk:
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

STREAMED = CrewStreamed(CALL, (OUTLINE, EXPAND), fails=False, missing=(), chunks=CHUNKS, raised=None)
REFUSED = replace(STREAMED, said=(OUTLINE,), fails=True, chunks=PIECES, raised=ValueError("refused"))
KEPT = CrewKept(CALL, CHUNKS, CHUNKS, CHUNKS, "A lighthouse.Tall.", is_completed=True)
TEXTS = ("Tall.", "Tall.", "A lighthouse.", "Tall.")
RESULT = CrewResult(CALL, "after-end", is_completed=True, raised=None, texts=TEXTS, expected=TEXTS, error=None)
EARLY = replace(RESULT, when="before-end", is_completed=False, raised=RuntimeError("not completed yet"), texts=())
FAILED = replace(RESULT, when="after-failure", raised=REFUSED.raised, error=REFUSED.raised, texts=())
LEFT = replace(RESULT, when="after-close", raised=RuntimeError("closed"), texts=())
CLOSED = CrewClosed(f"close() of {CALL}", True, None, True, True, chunks_then=3, chunks_later=3)


def streamed(what: str, **changes: Any) -> Fault:
    return fault(what, "entry.crew", STREAMED, **changes)


def wrong(what: str, place: int, **changes: Any) -> Fault:
    """Return the fault that one chunk says something else."""
    broken = CHUNKS[place].model_copy(update=changes)
    return streamed(what, chunks=(*CHUNKS[:place], broken, *CHUNKS[place + 1 :]))


FAULTS = (
    streamed("a stream without a result", missing=("result",)),
    streamed("a crew that raises", raised=ValueError("no")),
    streamed("a piece that is lost", chunks=CHUNKS[1:]),
    streamed("a piece that comes twice", chunks=(PIECES[0], *CHUNKS)),
    streamed("a tool call that is lost", chunks=(*PIECES, LAST)),
    streamed("a piece of a tool call that is lost", chunks=(*PIECES, CALLED[1], LAST)),
    streamed("a tool call that nobody made", chunks=(CALLED[1], *CHUNKS)),
    streamed("all text as one chunk", chunks=(chunk("A lighthouse.Tall.", OUTLINE),)),
    wrong("text of no kind", 0, chunk_type=None),
    wrong("a tool call as text", 2, chunk_type=StreamChunkType.TEXT),
    wrong("a chunk of another task", 4, task_index=0),
    wrong("a task without a name", 4, task_name=""),
    wrong("another task's id", 1, task_id="t1"),
    wrong("a task without an id", 1, task_id=""),
    wrong("another role", 0, agent_role="Editor"),
    wrong("an agent without an id", 4, agent_id=""),
    wrong("a tool call without its tool", 3, tool_call=None),
    wrong("a tool call that changes its id", 2, tool_call=ToolCallChunk(tool_id="c1", tool_name="get_tide")),
    fault("a failure that ends well", "entry.crew", REFUSED, raised=None),
    fault("a failure that loses what came before", "entry.crew", REFUSED, chunks=()),
    fault("chunks that are not kept", "entry.crew", KEPT, kept=()),
    fault("a second reading that is empty", "entry.crew", KEPT, again=()),
    fault("text with tool calls", "entry.crew", KEPT, full_text=f"A lighthouse.{ARGUMENTS}Tall."),
    fault("an end that is none", "entry.crew", KEPT, is_completed=False),
    fault("no result", "entry.crew", RESULT, raised=RuntimeError("no result"), texts=()),
    fault("the first task's result", "entry.crew", RESULT, texts=("A lighthouse.", *TEXTS[1:])),
    fault("a result of a crew that is not completed", "entry.crew", RESULT, is_completed=False),
    fault("a result before the end", "entry.crew", EARLY, raised=None, texts=TEXTS),
    fault("another error before the end", "entry.crew", EARLY, raised=AttributeError("result")),
    fault("a crew that is completed before its end", "entry.crew", EARLY, is_completed=True),
    fault("a result of a crew that failed", "entry.crew", FAILED, raised=None, texts=TEXTS),
    fault("another error than the reading's", "entry.crew", FAILED, raised=ValueError("refused")),
    fault("a result of a crew that was closed", "entry.crew", LEFT, raised=None, texts=TEXTS),
    fault("closing that waits", "entry.crew", CLOSED, returned_while_blocked=False),
    fault("closing that raises", "entry.crew", CLOSED, raised=ValueError("generator already executing")),
    fault("closing that is not told", "entry.crew", CLOSED, is_cancelled=False),
    fault("closing that ends nothing", "entry.crew", CLOSED, is_completed=False),
    fault("chunks after closing", "entry.crew", CLOSED, chunks_later=4),
)


@pytest.mark.parametrize("row", FAULTS, ids=str)
def test_a_fault_is_caught_by_its_clause_and_by_no_other(row: Fault) -> None:
    assert_caught(row)


def test_a_message_names_no_id_that_is_another_in_every_run() -> None:
    broken = wrong("a task without an id", 1, task_id="").broken

    assert [violation.message for violation in judge(broken).violations] == [
        f"task_id of 1 of the 2 chunks of task 'outline' that {CALL} gives is '', not the one that it has"
    ]


def test_what_a_chunk_says_wrongly_is_told_once_for_each_task() -> None:
    nameless = tuple(one.model_copy(update={"task_name": ""}) for one in CHUNKS)
    evidence = Evidence((), "closed", observations=(replace(STREAMED, chunks=nameless),))

    assert [violation.message.partition(" that ")[0] for violation in judge(evidence).violations] == [
        "task_name of 2 of the 2 chunks of task 'outline'",
        "task_name of 3 of the 3 chunks of task 'expand'",
    ]
