"""Frames of every channel, and the events that they come from as a listener saw them."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from msgspec.structs import replace

from conformance.areas.envelope.scenarios import OF_SOURCES
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import Ask, Emit, FlowProgram, Method, Raise, Script, ScriptedToolCall
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected

_LIFECYCLE: Final = (
    Emit(type="crew_kickoff_started", fields={"crew_name": "writers", "inputs": {"topic": "frames"}}),
    Emit(type="crew_kickoff_completed", fields={"crew_name": "writers", "output": "done"}),
)
#: One message of a conversation, which opens and closes nothing.
MESSAGE: Final = Emit(
    type="conversation_message_added",
    fields={"flow_name": "ProbeFlow", "session_id": "s1", "role": "user", "content": "Hi", "message_index": 0},
)
#: Of a class of the user's own, which is derived from one of the runtime's.
_DERIVED: Final = Emit(type="own_drawing", fields={"flow_name": "ProbeFlow"}, derived_from="flow_plot")
#: A call that runs a tool, so that there are tool frames of the runtime's own making.
_TOOLS: Final = Ask(Script((ScriptedToolCall("add", ('{"a"', ": 1}")),)), functions={"add": 3})
_PROGRAM: Final = FlowProgram(
    (
        Method("speaks", (Emit("one"), *_LIFECYCLE, MESSAGE)),
        Method("asks", (_TOOLS, Emit("two", type="tool_custom_failed")), after=("speaks",)),
    )
)
_ERROR: Final = {"error": "not so", "error_type": "LookupError"}
_TOOL: Final = {"tool_name": "add", "tool_args": {}, **_ERROR}
_CHECKPOINT: Final = {"location": "nowhere", "provider": "json", **_ERROR}
#: What hardly any run comes to, published as the runtime's parts do that are not under test here; and a failure.
_RARE: Final = FlowProgram(
    (
        Method(
            "publishes",
            (
                Emit(type="flow_plot", fields={"flow_name": "ProbeFlow"}),
                Emit(type="tool_validate_input_error", fields=_TOOL),
                Emit(type="tool_selection_error", fields=_TOOL),
                Emit(type="checkpoint_failed", fields=_CHECKPOINT),
                Emit(type="checkpoint_restore_failed", fields=_CHECKPOINT),
                Raise(LookupError),
            ),
        ),
    )
)
#: Of the user's own, with names in which each channel but `custom` might find a part of its own.
_UNKNOWN_TYPES: Final = (
    "x_failed",
    "flow_x_started",
    "llm_x_chunk",
    "tool_x_finished",
    "conversation_message_x",
    "task_x",
)
_UNKNOWN: Final = (*(Emit(name, type=name) for name in _UNKNOWN_TYPES), _DERIVED)


def _heard(consumer: Consumer, program: FlowProgram) -> Evidence:
    sources: dict[str, str] = {}

    def note(source: Any, event: Any) -> None:
        sources[event.event_id] = event.type

    with consumer.subject.listening(note):
        read = consumer.read_session(program)
    # Without any event seen, nothing is known of their sources.
    return read.evidence(source_types=sources or None, user_events=frozenset(consumer.stage.noted("emitted")))


def _unknown(consumer: Consumer) -> Evidence:
    """Read a run that publishes events of the user's own, each of which is to have a frame."""
    seen = _heard(consumer, FlowProgram((Method("emits", _UNKNOWN),)))
    lost = Counter(emit.type for emit in _UNKNOWN) - Counter(frame.type for frame in seen.frames)
    expected = Expected("session.iterates", "published events without a frame", (), tuple(lost.elements()))
    return replace(seen, expected=(expected,))


_EVERY: Final = OF_SOURCES | {
    "envelope.content-text",
    "channel.closed-set",
    "channel.llm",
    "channel.flow",
    "channel.tools",
    "channel.messages",
    "channel.lifecycle",
    "channel.custom",
    "channel.by-table",
    "namespace.order",
}

_OF_USERS: Final = frozenset(
    {"session.iterates", "channel.custom", "channel.by-table", "channel.flow", "namespace.order"}
)
_RARELY: Final = frozenset({"channel.flow", "channel.tools", "channel.lifecycle", "namespace.order"})

SCENARIOS: Final = Scenarios()
SCENARIOS.both("vocabulary/every-channel", _EVERY, "flow llm tools", _heard, _PROGRAM)
SCENARIOS.both("vocabulary/rare", OF_SOURCES | _RARELY, "flow", _heard, _RARE)
SCENARIOS.both("flow/unknown-event", OF_SOURCES | _OF_USERS, "flow", _unknown)
