"""Calls to every provider in its own wire format: recorded answers, given to a runtime's own integration."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import RecordedProgram
from conformance.stage.shipped_calls import ShippedCall, answering, shipped_call
from conformance.timeline.evidence import Evidence, WireFacts
from conformance.wire import facts_of
from harness.providers import providers
from harness.recording import played_environment
from harness.shipped import shipped_recording

#: What every function that a model may ask for returns, by its name.
_RETURNS: Final = {"get_weather": "cloudy"}
_CALL: Final = frozenset({"llm.sequence", "llm.deltas-equal-final", "llm.usage", "order.one-completion"})
_TOOL_CALL: Final = _CALL | {"llm.tool-chunks", "llm.tool-run"}
#: What is asked, the recording of it, whether the functions are run, the clauses it can decide, and what it needs.
_ROWS: Final[tuple[tuple[str, str, bool, frozenset[str], str], ...]] = (
    ("text", "text", False, _CALL, "llm"),
    ("tool", "tool_call", False, _TOOL_CALL, "llm tools"),
    ("tool-run", "tool_call", True, _TOOL_CALL, "llm tools"),
    ("parallel-tools-run", "parallel_tool_calls", True, _TOOL_CALL, "llm tools"),
    ("thinking", "thinking", False, _CALL | {"llm.thinking"}, "llm thinking"),
    ("truncated", "truncated", False, frozenset({"llm.truncation", "llm.sequence"}), "llm"),
)


def _answered(consumer: Consumer, program: RecordedProgram) -> Evidence:
    recorded = shipped_call(program.name)
    with answering(recorded), played_environment(()):
        return consumer.read_programs(program, wire=(_facts(recorded, program),))


def _facts(recorded: ShippedCall, program: RecordedProgram) -> WireFacts:
    facts = facts_of(recorded.answer, recorded.wire_format, streamed=True, has_functions=program.functions is not None)
    if facts is None:
        raise LookupError(f"the recording {program.name} can't be read")
    if program.functions is None:
        return facts
    return replace(facts, returned=tuple(program.functions[call.name] for call in facts.tool_calls))


def _of_provider(provider: str) -> Scenarios:
    found = Scenarios(provider=provider)
    for name, recording, runs, clauses, needs in _ROWS:
        program = RecordedProgram(f"{provider}/{recording}", _RETURNS if runs else None)
        # Not every provider tells what its models think.
        if shipped_recording(program.name).is_dir():
            found.both(f"recorded/{provider}/{name}", clauses, needs, _answered, program)
    return found


SCENARIOS: Final = [scenario for row in providers() if row.recordings for scenario in _of_provider(row.recordings)]
