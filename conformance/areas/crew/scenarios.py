"""Crews that are streamed as chunks: read, refused by their model, closed, and beside each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.areas.crew.checks import text_of
from conformance.areas.crew.reading import NOTHING, WAYS, Way, begun, begun_for_sure, closes, read_result
from conformance.areas.observations import CrewClosed, CrewKept, FlagRead, Heard, Observation
from conformance.stage.consumer import Consumer, Taken
from conformance.stage.programs import CrewProgram, HoldBody, Script, TaskProgram, Text, ToolProgram
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence

_FIRST: Final = TaskProgram("outline", Script((Text("A light"), Text("house."))))
#: A tool that the model calls.
TIDE: Final = ToolProgram("get_tide", "Bergen", "high")
#: Silent in the middle of its second task, once what came before has been said.
_HELD: Final = CrewProgram((_FIRST, TaskProgram("expand", Script((Text("It is"), HoldBody("held"), Text(" tall."))))))
_TOOL: Final = CrewProgram((TaskProgram("ask", Script((Text("It is"), Text(" high."))), TIDE), _FIRST))
_REFUSED: Final = CrewProgram((_FIRST, TaskProgram("expand", Script(status=500))))


def _streamed(way: Way, consumer: Consumer, subject: Subject, performance: Performance) -> list[Observation]:
    """Read a crew of two tasks: its result in the middle and after the end, and its chunks once more."""
    stream = begun(way, consumer, subject.crew(_HELD, performance, stream=True), _HELD)
    if stream.iterator is None:
        return [stream.observed()]
    first = consumer.take(stream.iterator, 1)
    consumer.await_reached("held")
    early = read_result(stream, "before-end")
    performance.stage.release("held")
    rest = consumer.take(stream.iterator)
    read = Taken((*first.frames, *rest.frames), first.raised or rest.raised)
    result = read_result(stream, "after-end")
    output = stream.output
    again = consumer.read(output).frames
    text = output.get_full_text()
    kept = CrewKept(way.call, read.frames, tuple(output.chunks), again, text, bool(output.is_completed))
    return [stream.observed(read), early, result, kept]


def _with_tool(way: Way, consumer: Consumer, subject: Subject, performance: Performance) -> list[Observation]:
    """Read a crew whose model calls a tool before it says anything."""
    stream = begun(way, consumer, subject.crew(_TOOL, performance, stream=True), _TOOL)
    return [stream.observed(NOTHING if stream.iterator is None else consumer.take(stream.iterator))]


def _failing(way: Way, consumer: Consumer, subject: Subject, performance: Performance) -> list[Observation]:
    """Read a crew whose model refuses the second of its tasks."""
    stream = begun(way, consumer, subject.crew(_REFUSED, performance, stream=True), _REFUSED)
    if stream.iterator is None:
        return [stream.observed()]
    read = consumer.take(stream.iterator)
    return [stream.observed(read), read_result(stream, "after-failure", read.raised)]


def _closed(way: Way, consumer: Consumer, subject: Subject, performance: Performance) -> list[Observation]:
    """Close a crew while its model is silent, and release the model only when closing has come back, or should have."""
    stream = begun(way, consumer, subject.crew(_HELD, performance, stream=True), _HELD)
    if stream.iterator is None:
        return [stream.observed()]
    output = stream.output
    consumer.take(stream.iterator, 1)
    consumer.await_reached("held")
    raised: list[BaseException | None] = []
    returned = closes(consumer, output, raised)
    completed, cancelled = bool(output.is_completed), bool(output.is_cancelled)
    then = len(output.chunks)
    performance.stage.release("held")
    consumer.let_finish()
    result = read_result(stream, "after-close")
    what = f"{'close' if consumer.is_sync else 'aclose'}() of {way.call}"
    error = raised[0] if raised else None
    return [CrewClosed(what, returned, error, completed, cancelled, then, len(output.chunks)), result]


def _flags(way: Way, consumer: Consumer, subject: Subject, performance: Performance) -> list[Observation]:
    """Read the flags of a crew and of its LLM, before, beside and after a run of it that is streamed."""
    crew = subject.crew(_HELD, performance, stream=True)
    (llm,) = performance.stage.noted("llm")
    before = llm.stream
    seen: list[Observation] = []

    def look(when: str) -> None:
        seen.append(FlagRead(f"the crew's, {when}", True, crew.stream))
        seen.append(FlagRead(f"the LLM's of its agent, {when}", before, llm.stream))

    iterator = begun_for_sure(way, consumer, crew, _HELD).iterator
    consumer.take(iterator, 1)
    consumer.await_reached("held")
    look(f"outside of the run of {way.call} while that is on")
    performance.stage.release("held")
    consumer.take(iterator)
    look(f"after {way.call} was read")
    return seen


def _beside(way: Way, consumer: Consumer, subject: Subject, performance: Performance) -> list[Observation]:
    """Read two streamed crews that are in the middle together."""
    programs = [
        CrewProgram((TaskProgram("answer", Script((Text(f"{name} "), HoldBody("held"), Text("said")))),))
        for name in ("left", "right")
    ]
    crews = [subject.crew(program, performance, stream=True) for program in programs]
    streams = [begun_for_sure(way, consumer, *one) for one in zip(crews, programs, strict=True)]
    opened = consumer.begin(stream.output for stream in streams)
    consumer.await_reached("held", len(crews))
    performance.stage.release("held")
    name = f"one of two crews beside each other, by {way.call},"
    return [
        Heard("isolated", name, (program.tasks[0].script.text,), (text_of(taken.frames),), taken.raised)
        for program, taken in zip(programs, opened.read_on(), strict=True)
    ]


_Observing = Callable[[Way, Consumer, Subject, Performance], list[Observation]]
_CREW: Final = frozenset({"crew", "llm"})


def _each(
    name: str, clauses: frozenset[str], observing: _Observing, more: frozenset[str] = frozenset()
) -> tuple[Scenario, ...]:
    """Return the scenario for each way to run a crew."""

    def of(way: Way) -> Scenario:
        def observe(subject: Subject, performance: Performance) -> Evidence:
            with Consumer(way.kind, subject, performance) as consumer:
                return Evidence((), "closed", observations=tuple(observing(way, consumer, subject, performance)))

        needs = _CREW | more | ({"async"} if way.kind == "async" else frozenset())
        return Scenario(f"{name}/{way.entry}", clauses, observe, needs)

    return tuple(of(way) for way in WAYS)


_ENTRY: Final = frozenset({"entry.crew"})

SCENARIOS: tuple[Scenario, ...] = (
    *_each("crew/streamed", _ENTRY, _streamed),
    *_each("crew/tool", _ENTRY, _with_tool, frozenset({"tools"})),
    *_each("crew/failing", _ENTRY, _failing),
    *_each("crew/closed", _ENTRY, _closed),
    *_each("crew/flags", frozenset({"entry.flag-restored"}), _flags),
    *_each("crew/beside", frozenset({"scope.isolated"}), _beside),
)
