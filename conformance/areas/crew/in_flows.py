"""Crews that a streamed flow runs: what its session shows of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from conformance.areas.crew.checks import text_of
from conformance.areas.crew.scenarios import TIDE
from conformance.areas.observations import Captured, FailedRead, Heard, LegacyChunk
from conformance.stage.consumer import Consumer, Observe, Taken, both
from conformance.stage.points import StageError
from conformance.stage.programs import (
    CrewProgram,
    Emit,
    FlowProgram,
    HoldBody,
    Method,
    RunCrew,
    Script,
    TaskProgram,
    Text,
)
from conformance.stage.reading import read_result
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.calls import delta_kind
from conformance.timeline.evidence import Evidence, Outcome
from conformance.timeline.frame_like import FrameLike

_TASKS: Final = (
    TaskProgram("outline", Script((Text("A light"), Text("house.")))),
    TaskProgram("expand", Script((Text("It is"), Text(" tall.")))),
)
_TEXT: Final = "".join(task.script.text for task in _TASKS)
#: What a session shows of each task, in the order in which it comes, and of the crew around them.
_OF_TASK: Final = (
    "task_started",
    "agent_execution_started",
    "llm_call_started",
    "llm_call_completed",
    "agent_execution_completed",
    "task_completed",
)
_OF_CREW: Final = ("crew_kickoff_started", "crew_kickoff_completed")
_OF_FAILURE: Final = ("llm_call_failed", "agent_execution_error", "task_failed", "crew_kickoff_failed")


def _flow(program: CrewProgram, *, streamed: bool = False, is_async: bool = False) -> FlowProgram:
    steps = (Emit("before"), RunCrew(program, streamed))
    return FlowProgram((Method("runs", steps, is_async=is_async),))


def _types(frames: Iterable[FrameLike], among: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(among)
    return tuple(frame.type for frame in frames if frame.type in wanted)


def _pieces(frames: Iterable[FrameLike]) -> tuple[str, ...]:
    return tuple(frame.content for frame in frames if delta_kind(frame) == "text")


def _text(frames: Iterable[FrameLike]) -> str:
    return "".join(_pieces(frames))


def _captured(told: bool | None, *, streamed: bool, in_async: bool) -> Observe:
    """A flow whose crew streams or not, and whose LLM was told nothing, or to stream, or not to."""
    program = _flow(CrewProgram(_TASKS, stream=told), streamed=streamed, is_async=in_async)

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        taken = consumer.read(consumer.open(program))
        expected = (_OF_CREW[0], *(kind for _ in _TASKS for kind in _OF_TASK), _OF_CREW[1])
        seen: list[Any] = [
            Heard("nested-outer", "the flow's session", expected, _types(taken.frames, expected), taken.raised),
            *(
                Heard("nested-inner", "the crew's own stream", (_TEXT,), (text_of(chunks),))
                for chunks in performance.stage.noted("chunks")
            ),
        ]
        with performance.provider.lock:
            asked = [bool(request.get("stream")) for request in performance.provider.log.requests]
        if not asked:
            raise StageError("the crew never asked its model")
        seen.append(Captured(told, _pieces(taken.frames), _TEXT, any(asked) if told is False else all(asked)))
        return Evidence(taken.frames, _ended(taken), observations=tuple(seen))

    return observe


def _failing(status: int) -> Observe:
    """A flow whose crew fails in its second task, since the model refuses it."""
    program = _flow(CrewProgram((_TASKS[0], TaskProgram("expand", Script(status=status)))))

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        session = consumer.open(program)
        taken = consumer.read(session)
        every = tuple(session.frames)
        noted: list[BaseException] = performance.stage.noted("raised")
        if not noted:
            raise StageError("the crew did not fail")
        shown = tuple(dict.fromkeys(_types(taken.frames, _OF_FAILURE)))  # how often is a matter of order.one-completion
        seen = (
            Heard("nested-outer", "the flow's session", _OF_FAILURE, shown),
            FailedRead("first", noted[0], taken.frames, taken.raised, every),
        )
        reads = tuple(read_result(session, "after-failure") for _ in range(2))
        return Evidence(taken.frames, _ended(taken), reads=reads, outcome=Outcome(error=noted[0]), observations=seen)

    return observe


def _with_tool(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """A flow whose crew uses a tool; its LLM is told to stream."""
    task = TaskProgram("ask", Script((Text("It is"), Text(" high."))), TIDE)
    taken = consumer.read(consumer.open(_flow(CrewProgram((task,), stream=True))))
    asked = ("llm_call_started", "llm_call_completed")
    expected = (*_OF_CREW, *_OF_TASK, *asked, "tool_usage_started", "tool_usage_finished")
    shown = _types(taken.frames, expected)
    seen = Heard(
        "nested-outer",
        "the flow's session",
        (*expected, task.script.text),
        (*shown, _text(taken.frames)),
        taken.raised,
    )
    return Evidence(taken.frames, _ended(taken), observations=(seen,))


def _beside(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Two streamed flows whose crews are in the middle together; their LLMs are told to stream."""
    scripts = [Script((Text(f"{name} "), HoldBody("held"), Text("said"))) for name in ("left", "right")]
    programs = [CrewProgram((TaskProgram(script.text, script),), stream=True) for script in scripts]
    sessions = [consumer.open(_flow(program)) for program in programs]
    begun = consumer.begin(sessions)
    consumer.await_reached("held", len(sessions))
    performance.stage.release("held")
    taken = begun.read_on()
    expected = (*_OF_CREW, *_OF_TASK)
    seen = [
        Heard(
            "isolated",
            "one of two flows with crews",
            (*expected, script.text),
            (*_types(one.frames, expected), _text(one.frames)),
            one.raised,
        )
        for script, one in zip(scripts, taken, strict=True)
    ]
    return Evidence(taken[0].frames, _ended(taken[0]), observations=tuple(seen))


def _projected(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Project every frame of a flow with a crew to the older chunks; its LLM is told to stream."""
    taken = consumer.read(consumer.open(_flow(CrewProgram(_TASKS, stream=True))))
    seen = tuple(LegacyChunk(frame, subject.legacy_chunk(frame)) for frame in taken.frames)
    return Evidence(taken.frames, _ended(taken), observations=seen)


def _ended(taken: Taken) -> Literal["exhausted", "failed"]:
    return "exhausted" if taken.raised is None else "failed"


_NEEDS: Final = frozenset({"crew", "flow", "llm"})
_FRAMES: Final = frozenset(
    {"channel.lifecycle", "order.parent-closed", "order.scope-nesting", "order.seq-gapless", "scope.nested"}
)
_CAPTURES: Final = _FRAMES | {"scope.captures-llm"}
_FAILS: Final = _FRAMES | {"error.frames-first", "error.original", "envelope.error-class", "result.reraises"}
_TOLD: Final = {"nothing": None, "to-stream": True, "not-to-stream": False}

SCENARIOS: tuple[Scenario, ...] = (
    *(
        one
        for name, told in _TOLD.items()
        for in_async in (False, True)
        for one in both(
            f"crew/in-flow/told-{name}/{'async' if in_async else 'sync'}-method",
            _CAPTURES,
            _captured(told, streamed=False, in_async=in_async),
            _NEEDS,
        )
    ),
    *(
        one
        for in_async in (False, True)
        for one in both(
            f"crew/in-flow/streamed/{'async' if in_async else 'sync'}-method",
            _CAPTURES,
            _captured(None, streamed=True, in_async=in_async),
            _NEEDS,
        )
    ),
    *(one for status in (400, 500) for one in both(f"crew/in-flow/http-{status}", _FAILS, _failing(status), _NEEDS)),
    *both("crew/in-flow/tool", _FRAMES | {"llm.tool-chunks", "channel.tools"}, _with_tool, _NEEDS | {"tools"}),
    *both("crew/in-flow/beside", frozenset({"scope.isolated", "order.seq-gapless"}), _beside, _NEEDS),
    *both("crew/in-flow/projected", frozenset({"llm.legacy-chunk"}), _projected, _NEEDS),
)
