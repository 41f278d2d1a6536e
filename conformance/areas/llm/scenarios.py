"""Calls to a model whose answers are known: text, thinking, tools, errors, and the same bytes in other pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from itertools import groupby
from typing import Any, Final, get_args

from msgspec.structs import replace

from conformance.areas.llm import integrations, recorded_calls
from conformance.areas.llm.chunks import projected, rechunked
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import (
    WORDS,
    Ask,
    CallProgram,
    CallsAs,
    Failing,
    Method,
    Program,
    Raise,
    Script,
    ScriptedToolCall,
    Thinking,
)
from conformance.stage.reader import FramesRead
from conformance.timeline.evidence import Evidence, WireFacts, WireToolCall
from conformance.timeline.expected import NOTHING, Expected, InAnyOrder

_USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "cached_prompt_tokens": 3,
    "reasoning_tokens": 2,
}
_TEXT = ("Grüße", " aus", " Bergen 🌊")
_THOUGHT = (Thinking("The sea"), Thinking(" is calm."), *_TEXT)
_WEATHER = ScriptedToolCall("get_weather", ('{"ci', 'ty": "Ber', 'gen"}'))
_TIDE = ScriptedToolCall("get_tide", ("{}",))
_CLOUDY = {"get_weather": "cloudy"}
_RETURNS = {**_CLOUDY, "get_tide": "high"}


def facts_of(ask: Ask, *, streamed: bool = True) -> WireFacts:
    """Return what the provider sends for `ask`, told by the script and by nothing that the subject did."""
    script = ask.script
    calls = tuple(piece for piece in script.says if isinstance(piece, ScriptedToolCall))
    mixed = script.calls_as == "as one"
    failed = script.failing is not None or mixed
    refused = script.status != 200
    reported = script.ending in ("whole", "unmarked") and not (refused or failed)
    whole = reported and (script.ending == "whole" or ask.without_end_marker)
    names = {ScriptedToolCall: "tool_call", str: "text", Thinking: "thinking"}
    kinds: list[Any] = [names[type(piece)] for piece in script.says if type(piece) in names]
    functions = [ask.functions[call.name] for call in calls] if ask.functions else []
    return WireFacts(
        streamed=streamed,
        text="" if refused else script.text,
        status=script.status,
        ended_at_marker=whole or failed,
        thinking="".join(piece.text for piece in script.says if isinstance(piece, Thinking)),
        tool_calls=tuple(
            WireToolCall(call.name, "".join(call.arguments), f"call_{index}")
            for index, call in enumerate(() if refused or mixed else calls)
        ),
        kinds=None if refused else tuple(kind for kind, _ in groupby(kinds)),
        usage=_USAGE if reported and script.counted else None,
        finish_reason=("tool_calls" if calls else "stop") if reported else None,
        error_event=failed,
        words=WORDS if (refused and script.status) or script.failing not in (None, "nothing") else None,
        declared_unmarked=ask.without_end_marker if script.ending == "unmarked" or ask.without_end_marker else None,
        calls_mixed=mixed,
        request_id="req_conformance" if script.status else None,
        has_functions=bool(ask.functions),
        returned=tuple(functions) if functions and not any(isinstance(each, Raise) for each in functions) else None,
    )


def _streamed(consumer: Consumer, ask: Ask) -> Evidence:
    facts = facts_of(ask)
    evidence = consumer.read_programs(CallProgram(ask), wire=(facts,))
    called = consumer.stage.noted("called")
    if not called:
        return evidence
    due = tuple(_written(call.name, json.loads(call.arguments)) for call in facts.tool_calls)
    seen = tuple(_written(*each) for each in called)
    return replace(evidence, expected=(Expected("llm.tool-run", "what was called", InAnyOrder(due), seen),))


def _written(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def _again(consumer: Consumer) -> Evidence:
    """Two calls of one LLM, of which the second is the evidence."""
    ask, enter, read = Ask(Script(_TEXT)), consumer.entry_of(consumer.llm()), FramesRead()
    for _ in range(2):
        prompt = consumer.provider.prompt_for(ask.script)
        read = consumer.read(consumer.keep(consumer.in_loop(partial(enter, prompt))))
    return read.evidence(wire=(facts_of(ask),))


def _plain(consumer: Consumer, ask: Ask) -> Evidence:
    ask = replace(ask, stream=False)
    program = consumer.flow_program(Method("asks", (ask,)))
    return consumer.read_programs(program, wire=(facts_of(ask, streamed=False),))


def _failing_tool(consumer: Consumer) -> Evidence:
    """A call that asks for two functions, of which the first fails: the second is run all the same, and the call ends well."""
    evidence = _streamed(consumer, _FAILING_TOOL)
    ends = [frame.type for frame in evidence.frames if frame.type in ("tool_usage_finished", "tool_usage_error")]
    failing = "a call of which one tool fails"
    expected = (
        Expected("llm.tool-run", failing, NOTHING, evidence.raised),
        Expected("llm.tool-run", f"how the tools end of {failing}", ["tool_usage_error", "tool_usage_finished"], ends),
    )
    return replace(evidence, expected=(*evidence.expected, *expected))


def _rechunked(consumer: Consumer) -> Evidence:
    says = (*_TEXT, _WEATHER)
    whole = consumer.read_programs(CallProgram(Ask(Script(says))))
    programs = {length: CallProgram(Ask(Script(says, piece_bytes=length))) for length in (1, 2, 7)}
    split = {f"in pieces of {length} bytes": consumer.read_programs(each).frames for length, each in programs.items()}
    return replace(whole, expected=tuple(rechunked(whole.frames, split)))


def in_legacy_chunks(consumer: Consumer, program: Program) -> Evidence:
    """Read a run, and hold what its frames project to for older readers to them."""
    read = consumer.read_session(program)
    return read.evidence(*projected(read.frames, consumer.subject.legacy_chunk))


_FAILING_TOOL = Ask(
    Script((_WEATHER, _TIDE)), functions={"get_weather": Raise(LookupError), "get_tide": _RETURNS["get_tide"]}
)
_CALL = frozenset({"llm.sequence", "llm.deltas-equal-final", "llm.usage", "order.one-completion"})
_TOOL_CALL = frozenset({"llm.tool-chunks", "llm.tool-run"})
_TOOLS = "llm tools"
#: What the host of each sends can be told apart.
_ODD_CALLS: tuple[CallsAs, ...] = ("ids late", "one index", "no index")
_FAILED = frozenset({"llm.errors", "llm.sequence"})
_BROKEN = frozenset({"llm.truncation", "llm.sequence"})

SCENARIOS: Final = Scenarios()
for _name, _clauses, _needs, _ask in (
    ("ask/text", _CALL, "llm", Ask(Script(_TEXT))),
    ("ask/uncounted", _CALL, "llm", Ask(Script(_TEXT, counted=False))),
    ("ask/thinking", _CALL | {"llm.thinking"}, "llm thinking", Ask(Script(_THOUGHT))),
    ("ask/tool", _CALL | _TOOL_CALL, _TOOLS, Ask(Script((_WEATHER,)))),
    ("ask/parallel-tools", _CALL | _TOOL_CALL, _TOOLS, Ask(Script((_WEATHER, _TIDE)))),
    ("ask/tool-run", _CALL | _TOOL_CALL | {"channel.tools"}, _TOOLS, Ask(Script((_WEATHER,)), functions=_CLOUDY)),
    ("ask/parallel-tools-run", _CALL | _TOOL_CALL, _TOOLS, Ask(Script((_WEATHER, _TIDE)), functions=_RETURNS)),
    ("ask/cut", _BROKEN, "llm", Ask(Script(_TEXT, ending="cut"))),
    ("ask/reset", _BROKEN, "llm", Ask(Script(_TEXT, ending="reset"))),
):
    SCENARIOS.both(_name, _clauses, _needs, _streamed, _ask)
#: For subjects whose LLMs can be told that their host marks the end of no stream.
_UNMARKED: Final = Scenarios(part="knows_unmarked_ends")
for _name, _clauses, _ask in (
    ("ask/unmarked", _CALL | {"llm.truncation"}, Ask(Script(_TEXT, ending="unmarked"), without_end_marker=True)),
    ("ask/unmarked-not-told", _BROKEN, Ask(Script(_TEXT, ending="unmarked"))),
    ("ask/unmarked-cut", _BROKEN, Ask(Script(_TEXT, ending="cut"), without_end_marker=True)),
):
    _UNMARKED.both(_name, _clauses, "llm", _streamed, _ask)
SCENARIOS.extend(_UNMARKED)
SCENARIOS.both("ask/again", _CALL, "llm", _again)
SCENARIOS.both("ask/failing-tool-run", _TOOL_CALL | {"channel.tools"}, _TOOLS, _failing_tool)
SCENARIOS.both("ask/refused", _FAILED, "llm", _streamed, Ask(Script(_TEXT, status=429)))
SCENARIOS.both("ask/no-answer", _FAILED, "llm", _streamed, Ask(Script(_TEXT, status=None)))
SCENARIOS.both("ask/failing", _FAILED, "llm", _streamed, Ask(Script(_TEXT, status=500)))
for _form in get_args(Failing):
    _name = f"ask/failing-inside-{_form.replace(' ', '-')}"
    SCENARIOS.both(_name, _FAILED, "llm", _streamed, Ask(Script(() if _form == "nothing" else _TEXT, failing=_form)))
for _kind in _ODD_CALLS:
    _name = f"ask/tools-with-{_kind.replace(' ', '-')}"
    SCENARIOS.both(_name, _CALL | _TOOL_CALL, _TOOLS, _streamed, Ask(Script((_WEATHER, _TIDE), calls_as=_kind)))
_AS_ONE: Final = Ask(Script((_WEATHER, _TIDE), calls_as="as one"))
SCENARIOS.both("ask/tools-as-one", _FAILED | {"llm.tool-chunks"}, _TOOLS, _streamed, _AS_ONE)
_PLAIN: Final = frozenset({"llm.no-stream", "llm.usage"})
for _name, _ask in (
    ("ask/not-streamed", Ask(Script(_TEXT))),
    ("ask/not-streamed-uncounted", Ask(Script(_TEXT, counted=False))),
):
    SCENARIOS.of_kind("sync", _name, _PLAIN, "flow llm", _plain, _ask)
    SCENARIOS.of_kind("async", f"{_name}/async", _PLAIN, "flow llm", _plain, _ask)
for _name, _functions in (("tools", {}), ("tools-run", _RETURNS)):
    _ask = Ask(Script((_WEATHER, _TIDE)), functions=_functions)
    _clauses, _needs = _PLAIN | {"llm.tool-run"}, "flow llm tools"
    SCENARIOS.both(f"ask/not-streamed-{_name}", _clauses, _needs, _plain, _ask)
SCENARIOS.of_kind("sync", "ask/resplit", {"llm.rechunk"}, "llm", _rechunked)
SCENARIOS.of_kind("async", "ask/resplit/async", {"llm.rechunk"}, "llm", _rechunked)
_SAYS_ALL: Final = CallProgram(Ask(Script((*_TEXT, _WEATHER, Thinking("hm")))))
SCENARIOS.of_kind("sync", "ask/legacy-chunks", {"llm.legacy-chunk"}, "llm", in_legacy_chunks, _SAYS_ALL)
SCENARIOS.extend((*recorded_calls.SCENARIOS, *integrations.SCENARIOS))
