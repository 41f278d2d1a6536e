"""Crews that a streamed flow runs: what its session shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from conformance.areas.entry.crew_chunks import text_of
from conformance.areas.entry.crews import TIDE
from conformance.areas.error.scenarios import surfaced
from conformance.areas.llm.scenarios import in_legacy_chunks
from conformance.areas.scope.marks import SIDE_BY_SIDE, STREAM_SETTINGS, captured, held
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.points import StageError
from conformance.stage.programs import CrewProgram, Emit, FlowProgram, Method, Nest, Script, TaskProgram
from conformance.stage.reader import FramesRead, read_result
from conformance.timeline.calls import delta_kind
from conformance.timeline.evidence import AnyFrame, Evidence, ProgramOutcome
from conformance.timeline.expected import Expected

_TASKS: Final = (
    TaskProgram("outline", Script(("A light", "house."))),
    TaskProgram("expand", Script(("It is", " tall."))),
)
_TEXT: Final = "".join(task.script.text for task in _TASKS)
#: What a session shows of each task, in the order in which it comes, and of the crew around them.
OF_TASK: Final = (
    "task_started",
    "agent_execution_started",
    "llm_call_started",
    "llm_call_completed",
    "agent_execution_completed",
    "task_completed",
)
OF_CREW: Final = ("crew_kickoff_started", "crew_kickoff_completed")
_OF_FAILURE: Final = ("llm_call_failed", "agent_execution_error", "task_failed", "crew_kickoff_failed")


def flow_of(
    program: CrewProgram, *, streamed: bool = False, is_async: bool = False, times: int | None = None
) -> FlowProgram:
    steps = (Emit("before"), Nest(program, streamed, times))
    return FlowProgram((Method("runs", steps, is_async=is_async),))


def types_among(frames: Iterable[AnyFrame], among: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(among)
    return tuple(frame.type for frame in frames if frame.type in wanted)


def _pieces(frames: Iterable[AnyFrame]) -> tuple[str, ...]:
    return tuple(frame.content for frame in frames if delta_kind(frame) == "text")


def shown(
    clause: str, session: str, due: tuple[str, ...], read: FramesRead, text: str | None = None
) -> Iterator[Expected]:
    """Hold a flow's session to the types of frames that are due, and, where any is, to the text of its models."""
    shows = types_among(read.frames, due)
    if text is None:
        return held(clause, session, due, shows, read.raised)
    return held(clause, session, (*due, text), (*shows, "".join(_pieces(read.frames))), read.raised)


def _captured(consumer: Consumer, stream: bool | None, *, streamed: bool, in_async: bool) -> Evidence:
    """A flow whose crew streams or not, and whose LLM was told nothing, or to stream, or not to."""
    program = flow_of(CrewProgram(_TASKS, stream=stream), streamed=streamed, is_async=in_async)
    read = consumer.read_session(program)
    due = (OF_CREW[0], *(kind for _ in _TASKS for kind in OF_TASK), OF_CREW[1])
    expected = [*shown("scope.nested", "the flow's session", due, read)]
    for chunks in consumer.stage.noted("chunks"):
        expected += held("scope.nested", "the crew's own stream", (_TEXT,), (text_of(chunks),))
    requests = consumer.provider.requested_streams()
    if not requests:
        raise StageError("the crew never asked its model")
    requested = any(requests) if stream is False else all(requests)
    return read.evidence(*expected, *captured(stream, _TEXT, _pieces(read.frames), requested=requested))


def _failing(consumer: Consumer, status: int) -> Evidence:
    """A flow whose crew fails in its second task, since the model refuses it."""
    program = flow_of(CrewProgram((_TASKS[0], TaskProgram("expand", Script(status=status)))))
    session = consumer.open(program)
    read = consumer.read(session)
    every = tuple(session.frames)
    noted: list[BaseException] = consumer.stage.noted("raised")
    if not noted:
        raise StageError("the crew did not fail")
    # How often is a matter of order.one-completion.
    shows = tuple(dict.fromkeys(types_among(read.frames, _OF_FAILURE)))
    reads = tuple(read_result(session, "after-failure") for _ in range(2))
    return read.evidence(
        *held("scope.nested", "the flow's session", _OF_FAILURE, shows),
        *surfaced(noted[0], read, every),
        reads=reads,
        outcome=ProgramOutcome(error=noted[0]),
    )


def _with_tool(consumer: Consumer) -> Evidence:
    """A flow whose crew uses a tool; its LLM is told to stream."""
    task = TaskProgram("ask", Script(("It is", " high.")), TIDE)
    read = consumer.read_session(flow_of(CrewProgram((task,), stream=True)))
    again = ("llm_call_started", "llm_call_completed")
    due = (*OF_CREW, *OF_TASK, *again, "tool_usage_started", "tool_usage_finished")
    return read.evidence(*shown("scope.nested", "the flow's session", due, read, task.script.text))


def _beside(consumer: Consumer) -> Evidence:
    """Two streamed flows whose crews are in the middle together; their LLMs are told to stream."""
    programs = [CrewProgram((TaskProgram(script.text, script),), stream=True) for script in SIDE_BY_SIDE]
    reads = consumer.read_held(consumer.begin([consumer.open(flow_of(program)) for program in programs]))
    due, name = (*OF_CREW, *OF_TASK), "one of two flows with crews"
    return reads[0].evidence(
        *(
            row
            for script, each in zip(SIDE_BY_SIDE, reads, strict=True)
            for row in shown("scope.isolated", name, due, each, script.text)
        )
    )


NEEDS: Final = "flow llm crew"
FRAMES: Final = frozenset(
    {"channel.lifecycle", "order.parent-closed", "order.scope-nesting", "order.seq-gapless", "scope.nested"}
)
_CAPTURES: Final = FRAMES | {"scope.captures-llm"}
_FAILS: Final = FRAMES | {"error.frames-first", "error.original", "envelope.error-class", "result.reraises"}
METHODS: Final = {"sync-method": False, "async-method": True}

#: What the crew's LLM is told of streaming, and whether the crew streams too.
_SETTINGS: Final = {
    **{f"told-{name}": (stream, False) for name, stream in STREAM_SETTINGS.items()},
    "streamed": (None, True),
}

SCENARIOS: Final = Scenarios()
for _name, (_stream, _streamed) in _SETTINGS.items():
    for _method, _in_async in METHODS.items():
        _id = f"crew/in-flow/{_name}/{_method}"
        SCENARIOS.both(_id, _CAPTURES, NEEDS, _captured, _stream, streamed=_streamed, in_async=_in_async)
SCENARIOS.both("crew/in-flow/http-400", _FAILS, NEEDS, _failing, 400)
SCENARIOS.both("crew/in-flow/http-500", _FAILS, NEEDS, _failing, 500)
SCENARIOS.both("crew/in-flow/tool", FRAMES | {"llm.tool-chunks", "channel.tools"}, "flow llm crew tools", _with_tool)
SCENARIOS.both("crew/in-flow/beside", {"scope.isolated", "order.seq-gapless"}, NEEDS, _beside)
_STREAMED: Final = flow_of(CrewProgram(_TASKS, stream=True))
SCENARIOS.both("crew/in-flow/projected", {"llm.legacy-chunk"}, NEEDS, in_legacy_chunks, _STREAMED)
