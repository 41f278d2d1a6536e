"""Crews of every kind that a streamed flow runs: with a manager, side by side, for several inputs, refused, at a limit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from conformance.areas.llm.scenarios import facts_of
from conformance.areas.scope.crews import FRAMES, NEEDS, OF_CREW, OF_TASK, flow_of, shown
from conformance.stage.consumer import Consumer, Observe, both
from conformance.stage.programs import Ask, CrewProgram, HoldBody, Script, TaskProgram, Text, ToolProgram
from conformance.stage.reader import FramesRead
from conformance.stage.scenario import Scenario
from conformance.timeline.any_frame import AnyFrame
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected

_CALL: Final = ("llm_call_started", "llm_call_completed")
_AGENT: Final = ("agent_execution_started", *_CALL, "agent_execution_completed")
_USED: Final = ("tool_usage_started", "tool_usage_finished")
_REFUSAL: Final = ("llm_guardrail_started", "llm_guardrail_completed")
_FAILED_USE: Final = ("tool_usage_started", "tool_usage_error")
_SAYS: Final = Script((Text("It is"), Text(" high.")))
_SAYS_MORE: Final = Script((Text("It is"), Text(" tall.")))
_TIDE: Final = ToolProgram("get_tide", "Bergen", "high")
_METHODS: Final = {"sync-method": False, "async-method": True}


def _crew(*inside: tuple[str, ...]) -> tuple[str, ...]:
    return (OF_CREW[0], *(kind for kinds in inside for kind in kinds), OF_CREW[1])


def _whole(
    program: CrewProgram, due: tuple[str, ...], consumer: Consumer, *, times: int | None = None, in_async: bool = False
) -> Evidence:
    """Read a flow that runs a crew, and hold its frames to the types that are due, each as often as it is."""
    flow = flow_of(program, times=times, is_async=in_async)
    read = consumer.read_session(flow)
    return read.evidence(*shown("scope.nested", "the flow's session", due, read))


_MANAGED: Final = CrewProgram((TaskProgram("look", _SAYS),), manager=_SAYS_MORE)
#: The agent works inside of the tool by which the manager has it work.
_DELEGATED: Final = (*_AGENT, *_CALL, *_USED, *_AGENT)


def _managed(in_async: bool, consumer: Consumer) -> Evidence:
    """Read a flow whose crew has a manager, and look where the work stands that it has delegated."""
    read = consumer.read_session(flow_of(_MANAGED, is_async=in_async))
    due = _crew(("task_started", *_DELEGATED, "task_completed"))
    inside = [frame.parent_id for frame in read.frames if frame.type == "agent_execution_started"][1:]
    uses = [frame.id for frame in read.frames if frame.type == "tool_usage_started"]
    return read.evidence(
        *shown("scope.nested", "the flow's session", due, read),
        Expected(
            "order.parent-closed",
            "whether delegated work has the use of the tool that delegates it as its parent",
            True,
            bool(inside) and inside == uses,
        ),
    )


def _beside(consumer: Consumer) -> Evidence:
    """Two tasks of one crew that are in the middle together, and one after them."""
    says = [Script((Text(f"{name} "), HoldBody("held"), Text("said"))) for name in ("left", "right")]
    tasks = [TaskProgram(script.text, script, is_async=True) for script in says]
    session = consumer.open(flow_of(CrewProgram((*tasks, TaskProgram("last", _SAYS)), stream=True)))
    iterator = consumer.iterate(session)
    first = consumer.take(iterator, 1)
    consumer.await_reached("held", len(tasks))
    consumer.stage.release("held")
    read: FramesRead = first.then(consumer.take(iterator))
    due = _crew(OF_TASK, OF_TASK, OF_TASK)
    texts = sorted((*(script.text for script in says), _SAYS.text))
    return read.evidence(
        *shown("scope.nested", "the flow's session", due, read),
        Expected("scope.nested", "what each call of the session says", texts, sorted(_texts(read.frames))),
    )


def _texts(frames: Iterable[AnyFrame]) -> list[str]:
    """Return what each call of a model said."""
    texts: dict[str, str] = {}
    for frame in frames:
        if frame.type == "llm_stream_chunk":
            call = str(frame.data.get("call_id"))
            texts[call] = texts.get(call, "") + frame.content
    return list(texts.values())


def _used(in_async: bool, consumer: Consumer) -> Evidence:
    """Read a flow whose crew asks its model twice, and hold what its calls tell of usage to what the provider sent."""
    scripts = (_SAYS, _SAYS_MORE)
    tasks = tuple(TaskProgram(name, script) for name, script in zip(("look", "tell"), scripts, strict=True))
    facts = tuple(facts_of(Ask(script)) for script in scripts)
    return consumer.read_programs(flow_of(CrewProgram(tasks, stream=True), is_async=in_async), wire=facts)


def _kinds(in_async: bool) -> dict[str, tuple[frozenset[str], Observe]]:
    task = TaskProgram("look", _SAYS)
    failing = TaskProgram("look", _SAYS, ToolProgram("get_tide", "Bergen", "no tide", fails=True))
    looking = TaskProgram("look", _SAYS, _TIDE)
    two_calls = ("task_started", "agent_execution_started", *_CALL, *_CALL)
    ended = ("agent_execution_completed", "task_completed")
    refused = ("task_started", *_AGENT, *_REFUSAL, *_AGENT, *_REFUSAL, "task_completed")
    return {
        "managed": (FRAMES | {"channel.tools"}, partial(_managed, in_async)),
        "for-each": (FRAMES, partial(_whole, CrewProgram((task,)), 2 * _crew(OF_TASK), times=2, in_async=in_async)),
        "refused": (
            FRAMES,
            partial(_whole, CrewProgram((TaskProgram("look", _SAYS, refused=1),)), _crew(refused), in_async=in_async),
        ),
        "failing-tool": (
            FRAMES | {"channel.tools", "envelope.error-class"},
            partial(_whole, CrewProgram((failing,)), _crew((*two_calls, *_FAILED_USE, *ended)), in_async=in_async),
        ),
        "at-its-limit": (
            FRAMES,
            partial(
                _whole, CrewProgram((looking,), max_iter=1), _crew((*two_calls, *_USED, *ended)), in_async=in_async
            ),
        ),
        "used": (frozenset({"llm.usage", "llm.deltas-equal-final"}), partial(_used, in_async)),
    }


_TOOLS: Final = frozenset({"managed", "failing-tool", "at-its-limit"})

SCENARIOS: tuple[Scenario, ...] = (
    *(
        scenario
        for method, in_async in _METHODS.items()
        for name, (clauses, observe) in _kinds(in_async).items()
        for scenario in both(
            f"crew/kind/{name}/{method}", clauses, observe, NEEDS | ({"tools"} if name in _TOOLS else frozenset())
        )
    ),
    *both("crew/kind/side-by-side", FRAMES | {"order.delivery"}, _beside, NEEDS),
)
