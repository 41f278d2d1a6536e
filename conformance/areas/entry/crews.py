"""Crews that are streamed as chunks: read, refused by their model, closed, and beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from conformance.areas.entry.crew_chunks import text_of
from conformance.areas.entry.crew_runs import ENTRIES, CrewEntry, CrewRun
from conformance.areas.entry.flags import flag
from conformance.areas.scope.marks import SIDE_BY_SIDE, held
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import Block, CrewProgram, Script, TaskProgram, ToolProgram
from conformance.stage.reader import FramesRead
from conformance.timeline.expected import NOTHING, AtMost, Expected

_CLAUSE: Final = "entry.crew"
_FIRST: Final = TaskProgram("outline", Script(("A light", "house.")))
#: A tool that the model calls.
TIDE: Final = ToolProgram("get_tide", "Bergen", "high")
#: Silent in the middle of its second task, once what came before has been said.
_HELD: Final = CrewProgram((_FIRST, TaskProgram("expand", Script(("It is", Block("held"), " tall.")))))
_TOOL: Final = CrewProgram((TaskProgram("ask", Script(("It is", " high.")), TIDE), _FIRST))
_REFUSED: Final = CrewProgram((_FIRST, TaskProgram("expand", Script(status=500))))


def _streamed(run: CrewRun, consumer: Consumer) -> Iterable[Expected]:
    """Read a crew of two tasks: its result in the middle and after the end, and its chunks once more."""
    first = consumer.take(run.iterator, 1)
    consumer.await_reached("held")
    early = [*run.result("in the middle")]
    consumer.stage.release("held")
    read = first.then(consumer.take(run.iterator))
    result = [*run.result("after the end")]
    # Chunks come last: whatever they say wrongly they say often, and a report shows the first few.
    return (*early, *result, *run.stored_chunks(read.frames), *run.read(read))


def _with_tool(run: CrewRun, consumer: Consumer) -> Iterable[Expected]:
    """Read a crew whose model calls a tool before it says anything."""
    return run.read(consumer.take(run.iterator))


def _failing(run: CrewRun, consumer: Consumer) -> Iterable[Expected]:
    """Read a crew whose model refuses the second of its tasks."""
    read = consumer.take(run.iterator)
    return (*run.result("after the failure", read.raised), *run.read(read))


def _closed(run: CrewRun, consumer: Consumer) -> Iterable[Expected]:
    """Close a crew while its model is silent, and release the model only when closing has come back, or should have."""
    output = run.output
    consumer.take(run.iterator, 1)
    consumer.await_reached("held")
    returned, raised = run.closes()
    completed, cancelled = bool(output.is_completed), bool(output.is_cancelled)
    then = len(output.chunks)
    consumer.stage.release("held")
    consumer.let_finish()
    result = run.result("after an early close")
    aspect = f"{'close' if consumer.is_sync else 'aclose'}() of {run.entry.call}"
    return (
        Expected(_CLAUSE, f"whether {aspect} came back while the model was silent", True, returned),
        Expected(_CLAUSE, aspect, NOTHING, raised),
        Expected(_CLAUSE, f"is_completed and is_cancelled after {aspect}", (True, True), (completed, cancelled)),
        Expected(_CLAUSE, f"chunks that came after {aspect}", AtMost(0), len(output.chunks) - then),
        *result,
    )


def _flags(consumer: Consumer, entry: CrewEntry) -> Iterator[Expected]:
    """Read the flags of a crew and of its LLM, before, beside and after a run of it that is streamed."""
    crew = consumer.subject.crew(_HELD, consumer.performance, stream=True)
    (llm,) = consumer.stage.noted("llm")
    before = llm.stream

    def look(when: str) -> Iterator[Expected]:
        yield flag(f"the crew, {when}", True, crew.stream)
        yield flag(f"the LLM of its agent, {when}", before, llm.stream)

    iterator = CrewRun(entry, consumer, _HELD, crew).for_sure().iterator
    consumer.take(iterator, 1)
    consumer.await_reached("held")
    yield from look(f"outside of the run of {entry.call} while that is on")
    consumer.stage.release("held")
    consumer.take(iterator)
    yield from look(f"after {entry.call} was read")


def _beside(consumer: Consumer, entry: CrewEntry) -> Iterator[Expected]:
    """Read two streamed crews that are in the middle together."""
    programs = [CrewProgram((TaskProgram("answer", script),)) for script in SIDE_BY_SIDE]
    crews = [consumer.subject.crew(program, consumer.performance, stream=True) for program in programs]
    runs = [CrewRun(entry, consumer, *each).for_sure() for each in zip(programs, crews, strict=True)]
    reads: list[FramesRead] = consumer.read_held(consumer.begin(run.output for run in runs))
    name = f"one of two crews beside each other, by {entry.call},"
    for program, each in zip(programs, reads, strict=True):
        text = program.tasks[0].script.text
        yield from held("scope.isolated", name, (text,), (text_of(each.frames),), each.raised)


def _run(
    consumer: Consumer, entry: CrewEntry, program: CrewProgram, read: Callable[[CrewRun, Consumer], Iterable[Expected]]
) -> Iterable[Expected]:
    """Run a crew and read it; one that gave nothing to read is told of."""
    run = CrewRun(entry, consumer, program)
    return run.read() if run.iterator is None else read(run, consumer)


_CREW: Final = "llm crew"

SCENARIOS: Final = Scenarios()
for _name, _program, _read, _needs in (
    ("crew/streamed", _HELD, _streamed, _CREW),
    ("crew/tool", _TOOL, _with_tool, "llm crew tools"),
    ("crew/failing", _REFUSED, _failing, _CREW),
    ("crew/closed", _HELD, _closed, _CREW),
):
    for _entry in ENTRIES:
        SCENARIOS.of_kind(_entry.kind, f"{_name}/{_entry.method}", {_CLAUSE}, _needs, _run, _entry, _program, _read)
for _entry in ENTRIES:
    SCENARIOS.of_kind(_entry.kind, f"crew/flags/{_entry.method}", {"entry.flag-restored"}, _CREW, _flags, _entry)
for _entry in ENTRIES:
    SCENARIOS.of_kind(_entry.kind, f"crew/beside/{_entry.method}", {"scope.isolated"}, _CREW, _beside, _entry)
