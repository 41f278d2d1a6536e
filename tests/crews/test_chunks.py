"""Claims about the older chunks: those of crews, as a view of a session, and those that are put together by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from harness import CrewStreamingOutput, FlowStreamingOutput, Process, StreamChunk, UsageError, event_bus
from harness.events import BaseEvent
from tests.agents.scripted import ASKED, WAYS, Held, Speaker, Way, by, calls, kicked_off
from tests.crews.pilots import crew_of


def read(output: Any, way: Way) -> list[StreamChunk]:
    async def aread() -> list[StreamChunk]:
        return [chunk async for chunk in output]

    return list(output) if way == "sync" else asyncio.run(aread())


@pytest.mark.parametrize("way", WAYS)
def test_chunks_tell_what_they_are_of(way: Way) -> None:
    crew = crew_of("A light\nhouse.", ASKED, "It is tall.", stream=True)
    output = kicked_off(crew, way)
    assert isinstance(output, CrewStreamingOutput)
    chunks = read(output, way)

    (pilot,) = crew.agents
    first, second = crew.tasks
    told = [
        (chunk.content, chunk.chunk_type.value, chunk.task_index, chunk.task_name, chunk.task_id, chunk.agent_id)
        for chunk in chunks
    ]
    assert told == [
        ("A light\n", "text", 0, "outline", first.id, pilot.id),
        ("house.", "text", 0, "outline", first.id, pilot.id),
        ('{"place": "Bergen"}', "tool_call", 1, "expand", second.id, pilot.id),
        ("It is tall.", "text", 1, "expand", second.id, pilot.id),
    ]
    assert {chunk.agent_role for chunk in chunks} == {"Pilot"}
    call = chunks[2].tool_call
    assert call is not None
    assert (call.tool_name, call.arguments, call.index) == ("get_tide", '{"place": "Bergen"}', 0)
    assert output.get_full_text() == "A light\nhouse.It is tall."
    assert (output.result.raw, output.results) == ("It is tall.", [output.result])
    assert (output.is_completed, output.is_cancelled) == (True, False)


def test_chunks_can_be_read_again_and_are_those_that_were_read() -> None:
    output = kicked_off(crew_of("one", "two", stream=True), "sync")
    with pytest.raises(RuntimeError, match="Streaming has not completed yet"):
        output.result  # noqa: B018
    first = next(iter(output))
    assert output.chunks[0] == first
    chunks = list(output)
    assert list(output) == chunks == output.chunks
    output.close()
    assert output.result.raw == "two"


@pytest.mark.parametrize("way", WAYS)
def test_a_crew_that_fails_gives_its_chunks_and_then_its_error(way: Way) -> None:
    error = ValueError("no")
    crew = crew_of("one", error, stream=True)
    crew.agents[0].max_retry_limit = 0
    output = kicked_off(crew, way)
    with pytest.raises(ValueError, match="no") as raised:
        read(output, way)
    assert raised.value is error
    assert [chunk.content for chunk in output.chunks] == ["one"]
    with pytest.raises(ValueError, match="no") as again:
        output.result  # noqa: B018
    assert again.value is error


@pytest.mark.parametrize("way", WAYS)
def test_closing_half_way_cancels(way: Way) -> None:
    held = Held()
    output = kicked_off(crew_of("one", held, stream=True), way)

    def close() -> None:
        with output:
            assert next(iter(output)).content == "one"

    async def aclose() -> None:
        async with output:
            assert (await anext(aiter(output))).content == "one"

    by(way, close, aclose)
    held.let_go.set()
    assert (output.is_completed, output.is_cancelled) == (True, True)
    assert output.get_full_text() == "one"
    with pytest.raises(RuntimeError, match="closed"):
        output.result  # noqa: B018


@pytest.mark.parametrize(("way", "other"), [("sync", "async"), ("async", "sync")])
def test_an_output_is_read_in_the_way_in_which_it_came(way: Way, other: Way) -> None:
    with pytest.raises(UsageError, match="this output is read by"):
        read(kicked_off(crew_of("one", stream=True), way), other)


def test_the_work_of_a_coworker_is_of_the_managers_task() -> None:
    manager = Speaker(
        "Begun.",
        calls(("delegate_work_to_coworker", {"task": "Look.", "context": "", "coworker": "Pilot"})),
        "Done.",
    )
    crew = crew_of("It is high.", stream=True, process=Process.hierarchical, manager_llm=manager)
    chunks = read(kicked_off(crew, "sync"), "sync")
    assert [(chunk.content[:11], chunk.task_index, chunk.agent_role) for chunk in chunks] == [
        ("Begun.", 0, "Crew Manager"),
        ('{"task": "L', 1, "Crew Manager"),
        ("It is high.", 1, "Pilot"),
        ("Done.", 1, "Crew Manager"),
    ]


def test_what_a_task_asks_a_model_by_itself_has_the_tasks_place() -> None:
    judge = Speaker("sound")
    crew = crew_of("one", "two", stream=True)
    crew.tasks[1].callback = lambda output: judge.call("Is it sound?")
    chunks = read(kicked_off(crew, "sync"), "sync")
    assert [(chunk.content, chunk.task_index, chunk.task_id) for chunk in chunks][-1] == ("sound", 1, "")


def test_an_event_of_ones_own_is_of_the_task_around_it() -> None:
    class Note(BaseEvent):
        type: str = "llm_stream_chunk"
        chunk: str = "noted"
        task_id: Any = None

    crew = crew_of("one", "two", stream=True)
    crew.tasks[1].callback = lambda output: event_bus.emit(output, Note(task_id={"no": "id"}))
    chunks = read(kicked_off(crew, "sync"), "sync")
    assert [(chunk.content, chunk.task_index) for chunk in chunks] == [("one", 0), ("two", 1), ("noted", 1)]


# For each of several inputs.


def test_each_run_has_an_output_of_its_own() -> None:
    outputs = crew_of("one", "two", stream=True).kickoff_for_each([{"place": "Bergen"}, {"place": "Bodø"}])
    assert [output.is_completed for output in outputs] == [False, False]
    assert [len(list(output)) for output in outputs] == [2, 2]
    assert [output.result.tasks_output[0].description for output in outputs] == [
        "Do outline of Bergen.",
        "Do outline of Bodø.",
    ]


def test_runs_at_once_have_one_output_together() -> None:
    async def run() -> CrewStreamingOutput:
        output: CrewStreamingOutput = await crew_of("x", stream=True).kickoff_for_each_async(
            [{"place": "Bergen"}, {"place": "Bodø"}]
        )
        assert [chunk.content async for chunk in output] == ["x"] * 4
        return output

    output = asyncio.run(run())
    assert [result.tasks_output[0].description for result in output.results] == [
        "Do outline of Bergen.",
        "Do outline of Bodø.",
    ]


# By hand.

CHUNKS = [StreamChunk(content="a"), StreamChunk(content="b")]


class Source:
    """An iterator in both ways, which knows whether it was closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.left = list(CHUNKS)
        self.error = error
        self.closed = False

    def __iter__(self) -> Iterator[StreamChunk]:
        return self

    def __next__(self) -> StreamChunk:
        if self.left:
            return self.left.pop(0)
        raise self.error or StopIteration

    def __aiter__(self) -> AsyncIterator[StreamChunk]:
        return self

    async def __anext__(self) -> StreamChunk:
        if self.left:
            return self.left.pop(0)
        raise self.error or StopAsyncIteration

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


KINDS = (CrewStreamingOutput, FlowStreamingOutput)


def made(kind: type[Any], way: Way, source: Source) -> Any:
    return kind(sync_iterator=source) if way == "sync" else kind(async_iterator=source)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_output_by_hand_is_read_to_its_end_and_again(kind: type[Any], way: Way) -> None:
    output = made(kind, way, Source())
    with pytest.raises(RuntimeError, match="Streaming has not completed yet"):
        output.result  # noqa: B018
    assert read(output, way) == CHUNKS
    assert read(output, way) == CHUNKS == output.chunks
    with pytest.raises(RuntimeError, match="No result has been set"):
        output.result  # noqa: B018
    output._set_result("done")
    output.close()
    assert (output.result, output.get_full_text()) == ("done", "ab")
    assert (output.is_completed, output.is_cancelled) == (True, False)


@pytest.mark.parametrize("way", WAYS)
def test_two_readers_of_an_output_by_hand_take_no_chunk_from_each_other(way: Way) -> None:
    output = made(CrewStreamingOutput, way, Source())

    def both() -> list[StreamChunk]:
        one, other = iter(output), iter(output)
        return [next(one), next(other), next(other), *one, *other]

    async def aboth() -> list[StreamChunk]:
        one, other = aiter(output), aiter(output)
        begun = [await anext(one), await anext(other), await anext(other)]
        return [*begun, *[chunk async for chunk in one], *[chunk async for chunk in other]]

    assert by(way, both, aboth) == [CHUNKS[0], *CHUNKS, CHUNKS[1]]


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_by_hand_may_be_of_anything_that_can_be_iterated(kind: type[Any]) -> None:
    output = kind(sync_iterator=CHUNKS)
    assert next(iter(output)) == CHUNKS[0]
    output.close()
    assert (output.is_cancelled, read(output, "sync")) == (True, CHUNKS[:1])
    assert read(kind(sync_iterator=CHUNKS), "sync") == CHUNKS


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_output_by_hand_that_is_closed_half_way_is_cancelled(kind: type[Any], way: Way) -> None:
    source = Source()
    output = made(kind, way, source)

    def close() -> None:
        next(iter(output))
        output.close()
        output.close()

    async def aclose() -> None:
        await anext(aiter(output))
        await output.aclose()
        await output.aclose()

    by(way, close, aclose)
    assert source.closed
    assert (output.is_completed, output.is_cancelled, output.chunks) == (True, True, CHUNKS[:1])
    with pytest.raises(RuntimeError, match="closed"):
        output.result  # noqa: B018
    assert read(output, way) == CHUNKS[:1]


@pytest.mark.parametrize("way", WAYS)
def test_an_output_by_hand_fails_with_its_sources_error(way: Way) -> None:
    error = ValueError("torn")
    output = made(CrewStreamingOutput, way, Source(error))
    for _ in range(2):
        with pytest.raises(ValueError, match="torn") as raised:
            read(output, way)
        assert (raised.value, output.chunks) == (error, CHUNKS)
    depths: list[int] = []
    for _ in range(2):
        with pytest.raises(ValueError, match="torn") as again:
            output.result  # noqa: B018
        assert again.value is error
        depths.append(len(again.traceback))
    assert depths[0] == depths[1]
    assert (output.is_completed, output.is_cancelled) == (True, False)
