"""Calls to a model whose answers are known: text, thinking, tools, errors, and the same bytes in other pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.areas.llm import integrations, recorded_calls
from conformance.areas.llm.legacy_chunk import projected
from conformance.areas.llm.other_chunks import rechunked
from conformance.stage.consumer import Consumer, alone, both
from conformance.stage.programs import (
    WORDS,
    Ask,
    CallProgram,
    CallsAs,
    Failing,
    FlowProgram,
    Method,
    Script,
    ScriptedToolCall,
    Text,
    Thinking,
)
from conformance.stage.scenario import Scenario
from conformance.timeline.evidence import Evidence, WireFacts, WireToolCall

_USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "cached_prompt_tokens": 3,
    "reasoning_tokens": 2,
}
_TEXT = (Text("Grüße"), Text(" aus"), Text(" Bergen 🌊"))
_WEATHER = ScriptedToolCall("get_weather", ('{"ci', 'ty": "Ber', 'gen"}'))
_TIDE = ScriptedToolCall("get_tide", ("{}",))
_RETURNS = {"get_weather": "cloudy", "get_tide": "high"}


def facts_of(ask: Ask, *, streamed: bool = True) -> WireFacts:
    """Return what the provider sends for `ask`, told by the script and by nothing that the subject did."""
    script = ask.script
    calls = tuple(piece for piece in script.says if isinstance(piece, ScriptedToolCall))
    mixed = script.calls_as == "as one"
    failed = script.failing is not None or mixed
    ends = script.ending == "whole" or (script.ending == "unmarked" and ask.without_end_marker)
    reported = script.ending in ("whole", "unmarked") and script.status < 400 and not failed
    whole = ends and script.status < 400 and not failed
    names = {ScriptedToolCall: "tool_call", Text: "text", Thinking: "thinking"}
    kinds: list[Any] = [names[type(piece)] for piece in script.says if type(piece) in names]
    refused = script.status >= 400
    return WireFacts(
        streamed=streamed,
        text="" if refused else script.text,
        status=script.status,
        ended_at_marker=whole or failed,
        thinking="".join(piece.text for piece in script.says if isinstance(piece, Thinking)),
        tool_calls=()
        if refused or mixed
        else tuple(
            WireToolCall(call.name, "".join(call.arguments), f"call_{index}") for index, call in enumerate(calls)
        ),
        kinds=None
        if refused
        else tuple(kind for index, kind in enumerate(kinds) if index == 0 or kind != kinds[index - 1]),
        usage=_USAGE if reported else None,
        finish_reason=("tool_calls" if calls else "stop") if reported else None,
        error_event=failed,
        words=WORDS if script.status >= 400 or script.failing not in (None, "nothing") else None,
        declared_unmarked=ask.without_end_marker if script.ending == "unmarked" or ask.without_end_marker else None,
        calls_mixed=mixed,
        request_id="req_conformance",
        has_functions=bool(ask.functions),
        returned=tuple(ask.functions[call.name] for call in calls) if ask.functions else None,
    )


def _streamed(
    name: str,
    ask: Ask,
    clauses: frozenset[str],
    needs: frozenset[str] = frozenset(),
    part: str | None = None,
) -> tuple[Scenario, ...]:
    def observe(consumer: Consumer) -> Evidence:
        return consumer.read_programs(CallProgram(ask), wire=(facts_of(ask),))

    return tuple(replace(scenario, part=part) for scenario in both(name, clauses, observe, needs | {"llm"}))


def _plain(consumer: Consumer) -> Evidence:
    ask = Ask(Script(_TEXT), stream=False)
    program = FlowProgram((Method("asks", (ask,)),))
    return consumer.read_programs(program, wire=(facts_of(ask, streamed=False),))


def _rechunked(consumer: Consumer) -> Evidence:
    says = (*_TEXT, _WEATHER)
    whole = consumer.read_programs(CallProgram(Ask(Script(says))))
    split = {
        f"in pieces of {length} bytes": consumer.read_programs(
            CallProgram(Ask(Script(says, piece_bytes=length)))
        ).frames
        for length in (1, 2, 7)
    }
    return replace(whole, expected=tuple(rechunked(whole.frames, split)))


def _legacy(consumer: Consumer) -> Evidence:
    read = consumer.read_session(CallProgram(Ask(Script((*_TEXT, _WEATHER, Thinking("hm"))))))
    return read.evidence(*projected(read.frames, consumer.subject.legacy_chunk))


_CALL = frozenset({"llm.sequence", "llm.deltas-equal-final", "llm.usage", "order.one-completion"})
_TOOL_CALL = frozenset({"llm.tool-chunks", "llm.tool-run"})
_TOOLS = frozenset({"tools"})
#: What the host of each sends can be told apart.
_ODD_CALLS: tuple[CallsAs, ...] = ("ids late", "one index", "no index")
_FAILING: tuple[Failing, ...] = ("object", "text", "flat", "detail", "named event", "reason", "nothing")
_FAILED = frozenset({"llm.errors", "llm.sequence"})
_BROKEN = frozenset({"llm.truncation", "llm.sequence"})
#: What a subject has whose LLMs can be told that their host marks the end of no stream.
_PART = "knows_unmarked_ends"

SCENARIOS: tuple[Scenario, ...] = (
    *_streamed("ask/text", Ask(Script(_TEXT)), _CALL),
    *_streamed(
        "ask/thinking",
        Ask(Script((Thinking("The sea"), Thinking(" is calm."), *_TEXT))),
        _CALL | {"llm.thinking"},
        frozenset({"thinking"}),
    ),
    *_streamed("ask/tool", Ask(Script((_WEATHER,))), _CALL | _TOOL_CALL, _TOOLS),
    *_streamed("ask/parallel-tools", Ask(Script((_WEATHER, _TIDE))), _CALL | _TOOL_CALL, _TOOLS),
    *_streamed(
        "ask/tool-run",
        Ask(Script((_WEATHER,)), functions={"get_weather": _RETURNS["get_weather"]}),
        _CALL | _TOOL_CALL | {"channel.tools"},
        _TOOLS,
    ),
    *_streamed(
        "ask/parallel-tools-run",
        Ask(Script((_WEATHER, _TIDE)), functions=_RETURNS),
        _CALL | _TOOL_CALL,
        _TOOLS,
    ),
    *_streamed("ask/cut", Ask(Script(_TEXT, ending="cut")), _BROKEN),
    *_streamed("ask/reset", Ask(Script(_TEXT, ending="reset")), _BROKEN),
    *_streamed(
        "ask/unmarked",
        Ask(Script(_TEXT, ending="unmarked"), without_end_marker=True),
        _CALL | {"llm.truncation"},
        part=_PART,
    ),
    *_streamed("ask/unmarked-not-told", Ask(Script(_TEXT, ending="unmarked")), _BROKEN, part=_PART),
    *_streamed("ask/unmarked-cut", Ask(Script(_TEXT, ending="cut"), without_end_marker=True), _BROKEN, part=_PART),
    *_streamed("ask/refused", Ask(Script(_TEXT, status=429)), _FAILED),
    *_streamed("ask/failing", Ask(Script(_TEXT, status=500)), _FAILED),
    *(
        scenario
        for form in _FAILING
        for scenario in _streamed(
            f"ask/failing-inside-{form.replace(' ', '-')}",
            Ask(Script(() if form == "nothing" else _TEXT, failing=form)),
            _FAILED,
        )
    ),
    *(
        scenario
        for kind in _ODD_CALLS
        for scenario in _streamed(
            f"ask/tools-with-{kind.replace(' ', '-')}",
            Ask(Script((_WEATHER, _TIDE), calls_as=kind)),
            _CALL | _TOOL_CALL,
            _TOOLS,
        )
    ),
    *_streamed(
        "ask/tools-as-one", Ask(Script((_WEATHER, _TIDE), calls_as="as one")), _FAILED | {"llm.tool-chunks"}, _TOOLS
    ),
    alone("ask/not-streamed", {"llm.no-stream", "llm.usage"}, _plain, {"flow", "llm"}),
    alone("ask/resplit", {"llm.rechunk"}, _rechunked, {"llm"}),
    alone("ask/legacy-chunks", {"llm.legacy-chunk"}, _legacy, {"llm"}),
    *recorded_calls.SCENARIOS,
    *integrations.SCENARIOS,
)
