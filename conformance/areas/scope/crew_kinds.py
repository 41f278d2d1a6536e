"""Crews of every kind that a streamed flow runs: with a manager, side by side, for several inputs, refused, at a limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from conformance.areas.entry.crews import TIDE
from conformance.areas.llm.scenarios import facts_of
from conformance.areas.scope.crews import FRAMES, METHODS, NEEDS, OF_CREW, OF_TASK, flow_of, shown
from conformance.areas.scope.marks import SIDE_BY_SIDE
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import Ask, CrewProgram, Script, TaskProgram, ToolProgram
from conformance.timeline.evidence import AnyFrame, Evidence
from conformance.timeline.expected import Expected

_CALL: Final = ("llm_call_started", "llm_call_completed")
_AGENT: Final = ("agent_execution_started", *_CALL, "agent_execution_completed")
_USED: Final = ("tool_usage_started", "tool_usage_finished")
_REFUSAL: Final = ("llm_guardrail_started", "llm_guardrail_completed")
_FAILED_USE: Final = ("tool_usage_started", "tool_usage_error")
_SAYS: Final = Script(("It is", " high."))
_SAYS_MORE: Final = Script(("It is", " tall."))


def _crew(*inside: tuple[str, ...]) -> tuple[str, ...]:
    return (OF_CREW[0], *(kind for kinds in inside for kind in kinds), OF_CREW[1])


def _whole(
    consumer: Consumer, in_async: bool, program: CrewProgram, due: tuple[str, ...], *, times: int | None = None
) -> Evidence:
    """Read a flow that runs a crew, and hold its frames to the types that are due, each as often as it is."""
    read = consumer.read_session(flow_of(program, times=times, is_async=in_async))
    return read.evidence(*shown("scope.nested", "the flow's session", due, read))


_MANAGED: Final = CrewProgram((TaskProgram("look", _SAYS),), manager=_SAYS_MORE)
#: The agent works inside of the tool by which the manager has it work.
_DELEGATED: Final = (*_AGENT, *_CALL, *_USED, *_AGENT)


def _managed(consumer: Consumer, in_async: bool) -> Evidence:
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
    tasks = [TaskProgram(script.text, script, is_async=True) for script in SIDE_BY_SIDE]
    session = consumer.open(flow_of(CrewProgram((*tasks, TaskProgram("last", _SAYS)), stream=True)))
    (read,) = consumer.read_held(consumer.begin([session]), len(tasks))
    due = _crew(OF_TASK, OF_TASK, OF_TASK)
    texts = sorted((*(script.text for script in SIDE_BY_SIDE), _SAYS.text))
    return read.evidence(
        *shown("scope.nested", "the flow's session", due, read),
        Expected("scope.nested", "what each call of the session says", texts, sorted(_texts(read.frames))),
    )


def _texts(frames: Iterable[AnyFrame]) -> list[str]:
    texts: dict[str, str] = {}
    for frame in frames:
        if frame.type == "llm_stream_chunk":
            call = str(frame.data.get("call_id"))
            texts[call] = texts.get(call, "") + frame.content
    return list(texts.values())


def _used(consumer: Consumer, in_async: bool) -> Evidence:
    """Read a flow whose crew asks its model twice, and hold what its calls tell of usage to what the provider sent."""
    scripts = (_SAYS, _SAYS_MORE)
    tasks = tuple(TaskProgram(name, script) for name, script in zip(("look", "tell"), scripts, strict=True))
    facts = tuple(facts_of(Ask(script)) for script in scripts)
    return consumer.read_programs(flow_of(CrewProgram(tasks, stream=True), is_async=in_async), wire=facts)


_LOOK: Final = TaskProgram("look", _SAYS)
_FAILING_TOOL: Final = ToolProgram("get_tide", "Bergen", "no tide", fails=LookupError)
_TWO_CALLS: Final = ("task_started", "agent_execution_started", *_CALL, *_CALL)
_ENDED: Final = ("agent_execution_completed", "task_completed")
_REFUSED: Final = ("task_started", *_AGENT, *_REFUSAL, *_AGENT, *_REFUSAL, "task_completed")
_USING: Final = "flow llm crew tools"
#: By the kind of crew, what comes of it: the program, the types that are due, and how often the crew is run.
_KINDS: Final = {
    "crew/kind/for-each": (FRAMES, NEEDS, CrewProgram((_LOOK,)), 2 * _crew(OF_TASK), 2),
    "crew/kind/refused": (FRAMES, NEEDS, CrewProgram((replace(_LOOK, refused=1),)), _crew(_REFUSED), None),
    "crew/kind/failing-tool": (
        FRAMES | {"channel.tools", "envelope.error-class"},
        _USING,
        CrewProgram((replace(_LOOK, tool=_FAILING_TOOL),)),
        _crew((*_TWO_CALLS, *_FAILED_USE, *_ENDED)),
        None,
    ),
    "crew/kind/at-its-limit": (
        FRAMES,
        _USING,
        CrewProgram((replace(_LOOK, tool=TIDE),), max_iter=1),
        _crew((*_TWO_CALLS, *_USED, *_ENDED)),
        None,
    ),
}

SCENARIOS: Final = Scenarios()
for _method, _in_async in METHODS.items():
    SCENARIOS.both(f"crew/kind/managed/{_method}", FRAMES | {"channel.tools"}, _USING, _managed, _in_async)
    for _name, (_clauses, _needs, _program, _due, _times) in _KINDS.items():
        SCENARIOS.both(f"{_name}/{_method}", _clauses, _needs, _whole, _in_async, _program, _due, times=_times)
    SCENARIOS.both(f"crew/kind/used/{_method}", {"llm.usage", "llm.deltas-equal-final"}, NEEDS, _used, _in_async)
SCENARIOS.both("crew/kind/side-by-side", FRAMES | {"order.delivery"}, NEEDS, _beside)
