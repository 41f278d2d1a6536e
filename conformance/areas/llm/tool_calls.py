"""The checks of `llm.tool-chunks` and `llm.tool-run`: how tool calls arrive, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.timeline.calls import TOOL_RUNS, ShownCall, calls_of, delta_kind, tool_call_of
from conformance.timeline.evidence import AnyFrame, Evidence, WireFacts, WireToolCall
from conformance.timeline.expected import Breach

_TOOL_ENDS = ("tool_usage_finished", "tool_usage_error")


def has_tool_chunks(evidence: Evidence) -> bool:
    return any(
        _tool_chunks(call) or (call.wire is not None and call.wire.streamed and call.wire.tool_calls)
        for call in calls_of(evidence)
    )


def has_tool_calls(evidence: Evidence) -> bool:
    return any(call.tool_runs or (call.wire is not None and call.wire.tool_calls) for call in calls_of(evidence))


def tool_chunks(evidence: Evidence) -> Iterator[Breach]:
    """Every fragment has its shape, its arguments are cumulative, and every call of the response is there."""
    for call in calls_of(evidence):
        for kind, frame in call.chunks:
            if kind == "text" and frame.data.get("tool_call") is not None:
                yield frame.seq, "a text chunk carries a tool call"
        joined: dict[object, str] = {}
        first: dict[object, AnyFrame] = {}
        for frame in _tool_chunks(call):
            yield from ((frame.seq, message) for message in _misshapen(frame))
            tool_call, function = tool_call_of(frame)
            index = _index(tool_call)
            joined[index] = joined.get(index, "") + str(frame.data.get("chunk", ""))
            arguments = function.get("arguments")
            if arguments != joined[index]:
                yield frame.seq, f"the arguments {arguments!r} are not the deltas so far: {joined[index]!r}"
            earlier = first.setdefault(index, frame)
            if tool_call.get("id") != tool_call_of(earlier)[0].get("id"):
                yield frame.seq, f"the id of tool call {index} changed to {tool_call.get('id')!r}"
        yield from _repeated_ids(first)
        if call.wire is not None and call.wire.calls_mixed and call.completed is not None:
            yield call.end.seq, f"the tool calls of {call.name} can't be told apart, yet the call did not fail"
        if call.failed is not None and call.wire is not None and _is_whole(call.wire):
            yield call.end.seq, f"the tool calls of {call.name} can be told apart, yet the call failed"
        if call.wire is not None and call.wire.streamed and call.completed is not None:
            yield from ((call.end.seq, message) for message in _missing(call, first, call.wire))


def _is_whole(wire: WireFacts) -> bool:
    return bool(wire.tool_calls) and wire.was_accepted and wire.ended_at_marker and not wire.error_event


def _misshapen(frame: AnyFrame) -> Iterator[str]:
    tool_call, function = tool_call_of(frame)
    if not isinstance(frame.data.get("chunk"), str):
        yield "a tool-call chunk has no delta in data.chunk"
    wrong = [name for name in ("id", "type") if not (isinstance(tool_call.get(name), str) and tool_call[name])]
    wrong += ["index"] if type(tool_call.get("index")) is not int else []
    wrong += ["function.name"] if not isinstance(function.get("name"), str) or not function["name"] else []
    wrong += ["function.arguments"] if not isinstance(function.get("arguments"), str) else []
    if wrong:
        yield f"data.tool_call of a tool-call chunk lacks {', '.join(wrong)}"


def _repeated_ids(first: Mapping[object, AnyFrame]) -> Iterator[Breach]:
    owners: dict[object, object] = {}
    for index, frame in first.items():
        tool_id = tool_call_of(frame)[0].get("id")
        if tool_id is not None and owners.setdefault(str(tool_id), index) != index:
            yield frame.seq, f"the tool calls {owners[str(tool_id)]} and {index} share the id {tool_id!r}"


def _missing(call: ShownCall, first: Mapping[object, AnyFrame], wire: WireFacts) -> Iterator[str]:
    if len(first) != len(wire.tool_calls):
        yield f"the call {call.name} streamed {len(first)} tool calls, the provider sent {len(wire.tool_calls)}"
        return
    for frame, sent in zip(first.values(), wire.tool_calls, strict=True):
        tool_call, function = tool_call_of(frame)
        if function.get("name") != sent.name or (sent.id is not None and tool_call.get("id") != sent.id):
            yield f"tool call {function.get('name')!r} {tool_call.get('id')!r} was sent as {sent.name!r} {sent.id!r}"


def deltas_of_arguments(call: ShownCall, *, cut: bool) -> Iterator[str]:
    """Say where joined deltas are not the arguments that were sent, or of the response; a `cut` call may have less."""
    joined: dict[object, str] = {}
    for frame in _tool_chunks(call):
        index = _index(tool_call_of(frame)[0])
        joined[index] = joined.get(index, "") + str(frame.data.get("chunk", ""))
    response = call.completed.data.get("response") if call.completed is not None else None
    finals = [("sent", [item.arguments for item in call.wire.tool_calls] if call.wire is not None else [])]
    if isinstance(response, list) and not call.tool_runs:
        finals.append(("given as the response", [str(_function(item).get("arguments")) for item in response]))
    for how, final in finals:
        # strict=False: a number of calls that differs is reported by llm.tool-chunks and llm.tool-run.
        for index, (arguments, expected) in enumerate(zip(joined.values(), final, strict=False)):
            if not _same_arguments(arguments, expected) and not (cut and expected.startswith(arguments)):
                yield f"the deltas of tool call {index} join to {arguments!r}, {how} was {expected!r}"


def tool_run(evidence: Evidence) -> Iterator[Breach]:
    for call in calls_of(evidence):
        yield from _misplaced(call)
        if call.wire is None or call.completed is None or not call.wire.tool_calls:
            continue
        messages = _run(call, call.wire, evidence) if call.wire.has_functions else _handed_over(call, call.wire)
        yield from ((call.end.seq, message) for message in messages)


def _misplaced(call: ShownCall) -> Iterator[Breach]:
    begun = False
    for frame in call.body:
        begun = begun or frame.type in TOOL_RUNS
        if begun and delta_kind(frame) == "tool_call":
            yield frame.seq, "a tool-call chunk follows a tool that the call already ran"


def _run(call: ShownCall, wire: WireFacts, evidence: Evidence) -> Iterator[str]:
    requested = [item.name for item in wire.tool_calls]
    for label, ran in (
        ("started", [frame for frame in call.tool_runs if frame.type == "tool_usage_started"]),
        ("ended", [frame for frame in call.tool_runs if frame.type in _TOOL_ENDS]),
    ):
        names = [frame.data.get("tool_name") for frame in ran]
        if sorted(map(str, names)) != sorted(requested):
            yield f"the call {call.name} asked for {requested}, the tools that {label} in it are {names}"
    if wire.returned is not None and call.started.parent_id is None:
        expected = wire.returned[0] if len(wire.tool_calls) == 1 else list(wire.returned)
        for read in evidence.reads:
            if read.when == "after-exhaustion" and read.value != expected:
                yield f"the call's result is {read.value!r}, its tools returned {expected!r}"


def _handed_over(call: ShownCall, wire: WireFacts) -> Iterator[str]:
    if call.tool_runs:
        yield f"the call {call.name} was given no functions and ran {call.tool_runs[0].data.get('tool_name')!r}"
    response = call.completed.data.get("response") if call.completed is not None else None
    if not isinstance(response, list) or len(response) != len(wire.tool_calls):
        yield f"the call {call.name} asked for {len(wire.tool_calls)} tools, its response is {response!r}"
        return
    for item, sent in zip(response, wire.tool_calls, strict=True):
        if not _is_as_sent(item, sent):
            yield f"a call of {sent.name} is given as {item!r}, not as id, type and function with name and arguments"


def _is_as_sent(item: Any, sent: WireToolCall) -> bool:
    function = _function(item)
    return (
        isinstance(item, Mapping)
        and set(item) == {"id", "type", "function"}
        and set(function) == {"name", "arguments"}
        and bool(item["id"])
        and (sent.id is None or item["id"] == sent.id)
        and item["type"] == "function"
        and function["name"] == sent.name
        and isinstance(function["arguments"], str)
        and _same_arguments(function["arguments"], sent.arguments)
    )


def _function(item: Any) -> Mapping[str, Any]:
    function = item.get("function") if isinstance(item, Mapping) else None
    return function if isinstance(function, Mapping) else {}


def _same_arguments(joined: str, sent: str) -> bool:
    """Compare as JSON where both are: a wire format that sends whole objects leaves their spacing to the reader."""
    try:
        return joined == sent or bool(json.loads(joined) == json.loads(sent))
    except ValueError:
        return False


def _tool_chunks(call: ShownCall) -> list[AnyFrame]:
    return [frame for kind, frame in call.chunks if kind == "tool_call"]


def _index(tool_call: Mapping[str, Any]) -> int | None:
    index = tool_call.get("index")
    return index if isinstance(index, int) else None
