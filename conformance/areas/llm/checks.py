"""Checks of the clauses `llm.*` on what one call streams; those on tool calls are in `tool_calls`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from conformance.areas.llm.tool_calls import deltas_of_arguments, has_tool_calls, has_tool_chunks, tool_chunks, tool_run
from conformance.timeline.calls import ShownCall, calls_of, chunks_of_no_call, has_calls
from conformance.timeline.check import Check
from conformance.timeline.evidence import Evidence, WireFacts
from conformance.timeline.expected import Breach

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_PARTS = ("cached_prompt_tokens", "cache_creation_tokens", "reasoning_tokens")
_DETAILS = frozenset({"cached_prompt_tokens", "reasoning_tokens"})
_FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "other")


def sequence(evidence: Evidence) -> Iterator[Breach]:
    for frame in chunks_of_no_call(evidence):
        yield frame.seq, f"{frame.type} comes before its call has started"
    calls = calls_of(evidence)
    if len(evidence.wire) > len(calls):
        yield None, f"{len(evidence.wire)} calls were sent, {len(calls)} have started frames"
    for call in calls:
        kinds = tuple(kind for kind, _ in groupby(kind for kind, _ in call.chunks))
        wire_kinds = call.wire.kinds if call.wire is not None and call.wire.streamed else None
        if wire_kinds is not None and kinds != wire_kinds[: len(kinds) if evidence.ended == "closed" else None]:
            yield call.end.seq, f"the pieces of call {call.name} came as {kinds}, on the wire as {wire_kinds}"
    if calls and calls[-1].failed and calls[-1].started.parent_id is None and evidence.ended == "exhausted":
        yield calls[-1].end.seq, f"the call {calls[-1].name} failed and no error was raised"


def deltas_equal_final(evidence: Evidence) -> Iterator[Breach]:
    """The text and tool-call deltas, joined, are what the provider sent and what the call gives as its response."""
    for call in filter(_can_join, calls_of(evidence)):
        text, seq = call.joined("text"), call.end.seq
        if call.wire is not None and not _same_text(text, call.wire.text, evidence):
            yield seq, f"the text chunks of call {call.name} join to {text!r}, the provider sent {call.wire.text!r}"
        response = call.completed.data.get("response") if call.completed is not None else None
        has_tools = bool(call.tool_runs) or any(kind == "tool_call" for kind, _ in call.chunks)
        if isinstance(response, str) and not has_tools and text != response:
            yield seq, f"the text chunks of call {call.name} join to {text!r}, its response is {response!r}"
        for message in deltas_of_arguments(call, cut=call.completed is None or evidence.ended == "closed"):
            yield seq, message


def _can_join(call: ShownCall) -> bool:
    return _is_streamed(call) and not call.by_user and (call.completed is not None or call.wire is not None)


def _is_streamed(call: ShownCall) -> bool:
    if call.wire is not None:
        return call.wire.streamed and call.wire.was_accepted
    return call.started.data.get("stream") is True or bool(call.chunks)


def _same_text(joined: str, sent: str, evidence: Evidence) -> bool:
    return sent.startswith(joined) if evidence.ended == "closed" else joined == sent


def thinking(evidence: Evidence) -> Iterator[Breach]:
    for call in calls_of(evidence):
        if call.wire is not None and call.wire.streamed:
            joined = call.joined("thinking")
            if not _same_text(joined, call.wire.thinking, evidence):
                yield call.end.seq, f"the thinking of call {call.name} is {joined!r}, sent was {call.wire.thinking!r}"


def usage(evidence: Evidence) -> Iterator[Breach]:
    for call in calls_of(evidence):
        if call.completed is None or call.by_user:
            continue
        counts, seq = call.completed.data.get("usage"), call.completed.seq
        if counts is not None and not isinstance(counts, Mapping):
            yield seq, f"the usage of call {call.name} is {counts!r}, expected an object of counts"
            counts = None
        if counts is not None:
            missing = [name for name in _COUNTS if type(counts.get(name)) is not int]
            missing += [name for name in _PARTS if type(counts.get(name) or 0) is not int]
            if missing:
                yield seq, f"the usage of call {call.name} has no number in {', '.join(missing)}: {dict(counts)}"
            else:
                yield from ((seq, message) for message in _sums(call, counts))
        if call.wire is not None:
            yield from ((seq, message) for message in _usage_against(call, counts, call.wire))
        reason = call.completed.data.get("finish_reason")
        if reason is not None and reason not in _FINISH_REASONS:
            yield seq, f"the finish reason of call {call.name} is {reason!r}, none of {', '.join(_FINISH_REASONS)}"
        elif call.wire is not None and not _same_reason(reason, call.wire):
            yield seq, f"the finish reason of call {call.name} is {reason!r}, on the wire {call.wire.finish_reason!r}"


def _sums(call: ShownCall, counts: Mapping[str, Any]) -> Iterator[str]:
    """Say where the total is not the sum of the two, or a detail is of more than what it is a part of."""
    prompt, completion = counts["prompt_tokens"], counts["completion_tokens"]
    if counts["total_tokens"] != prompt + completion:
        yield f"the total of call {call.name} is {counts['total_tokens']}, the sum is {prompt + completion}"
    cached = sum(counts.get(name) or 0 for name in ("cached_prompt_tokens", "cache_creation_tokens"))
    for part, of, whole in ((cached, "cached", prompt), (counts.get("reasoning_tokens") or 0, "reasoning", completion)):
        if part > whole:
            yield f"{part} {of} tokens of call {call.name} are more than the {whole} that they are among"


def _usage_against(call: ShownCall, counts: Mapping[str, Any] | None, wire: WireFacts) -> Iterator[str]:
    if wire.usage is None:
        if counts is not None:
            yield f"the wire has no usage for call {call.name}, its frame has {dict(counts)}"
    elif counts is None:
        yield f"the wire has usage for call {call.name}, its frame has none: {dict(wire.usage)}"
    else:
        for name, count in wire.usage.items():
            if counts.get(name) != count:
                yield f"{name} of call {call.name} is {counts.get(name)!r}, on the wire {count}"
        for name in _DETAILS - wire.usage.keys():
            if counts.get(name):
                yield f"{name} of call {call.name} is {counts[name]!r}, and nothing on the wire"


def _same_reason(reason: str | None, wire: WireFacts) -> bool:
    # Some wire formats say "stop" where tool calls end an answer; naming them as what they are is as right.
    both = {"stop", "tool_calls"}
    return reason == wire.finish_reason or (bool(wire.tool_calls) and {reason, wire.finish_reason} == both)


def truncation(evidence: Evidence) -> Iterator[Breach]:
    for call in filter(_was_cut_off, calls_of(evidence)):
        if call.failed is None:
            yield call.end.seq, f"the stream of call {call.name} ended before its end marker, yet the call did not fail"
    for call in filter(_declares_its_end, calls_of(evidence)):
        unmarked = call.wire is not None and call.wire.declared_unmarked
        if call.started.data.get("without_end_marker", False) is not unmarked:
            where = f"call {call.name} does not show whether its host is said to mark the ends of streams"
            yield call.started.seq, where
        if unmarked and call.wire is not None and call.wire.ended_at_marker and call.completed is None:
            yield call.end.seq, f"call {call.name} told why it ended, which its host's streams end with, and failed"


def _declares_its_end(call: ShownCall) -> bool:
    return call.wire is not None and call.wire.declared_unmarked is not None


def _was_cut_off(call: ShownCall) -> bool:
    wire = call.wire
    return wire is not None and wire.streamed and wire.was_accepted and not wire.ended_at_marker


def errors(evidence: Evidence) -> Iterator[Breach]:
    """What the provider got wrong is one failed frame, and an error that says provider, status and request."""
    calls = calls_of(evidence)
    for call in filter(_is_faulty, calls):
        failed = [frame for frame in call.terminals if frame.type == "llm_call_failed"]
        if len(failed) != 1:
            yield call.end.seq, f"the call {call.name} went wrong and has {len(failed)} failed frames, not one"
    # An answer that was cut off and did not fail is of `llm.truncation`.
    last = next((call for call in calls[::-1] if _is_faulty(call) or (_was_cut_off(call) and call.failed)), None)
    if last is not None and last.wire is not None and last.started.parent_id is None:
        for read in evidence.reads:
            if read.when == "after-failure" and read.raised is not None:
                yield from ((last.end.seq, message) for message in _untyped(read.raised, last.wire))


def _is_faulty(call: ShownCall) -> bool:
    wire = call.wire
    return wire is not None and (not wire.was_accepted or wire.error_event)


def _untyped(error: BaseException, wire: WireFacts) -> Iterator[str]:
    name = type(error).__name__
    if not getattr(error, "provider", None):
        yield f"{name} does not say which provider failed"
    status = getattr(error, "status", getattr(error, "status_code", None))
    if wire.status is not None and wire.status >= 400 and status != wire.status:
        yield f"{name} has the status {status!r}, on the wire it was {wire.status}"
    if wire.words is not None and wire.words not in str(error):
        yield f"{name} says {str(error)!r}, the server wrote {wire.words!r}"
    request_id = getattr(error, "request_id", None)
    if wire.request_id is not None and request_id != wire.request_id:
        yield f"{name} has the request id {request_id!r}, on the wire it was {wire.request_id!r}"


def no_stream(evidence: Evidence) -> Iterator[Breach]:
    for call in filter(_is_plain, calls_of(evidence)):
        for kind, frame in call.chunks:
            yield frame.seq, f"the call {call.name} does not stream, and has a {kind} chunk"
        if call.wire is not None and call.completed is not None and not call.wire.tool_calls:
            response = call.completed.data.get("response")
            if response != call.wire.text:
                yield call.completed.seq, f"the response of call {call.name} is {response!r}, sent {call.wire.text!r}"


def _is_plain(call: ShownCall) -> bool:
    return not call.wire.streamed if call.wire is not None else call.started.data.get("stream") is False


def _any_call(holds: Callable[[ShownCall], bool]) -> Callable[[Evidence], bool]:
    return lambda evidence: any(map(holds, calls_of(evidence)))


def _may_be_cut_off(evidence: Evidence) -> bool:
    calls = calls_of(evidence)
    return evidence.ended != "closed" and any(_was_cut_off(call) or _declares_its_end(call) for call in calls)


CHECKS = (
    Check("llm.sequence", sequence, lambda evidence: has_calls(evidence) or bool(chunks_of_no_call(evidence))),
    Check("llm.deltas-equal-final", deltas_equal_final, _any_call(_can_join)),
    Check("llm.tool-chunks", tool_chunks, has_tool_chunks),
    Check("llm.tool-run", tool_run, has_tool_calls),
    Check(
        "llm.thinking",
        thinking,
        _any_call(lambda call: call.wire is not None and call.wire.streamed and bool(call.wire.thinking)),
    ),
    Check(
        "llm.usage",
        usage,
        _any_call(
            lambda call: (
                call.completed is not None and (call.wire is not None or call.completed.data.get("usage") is not None)
            )
        ),
    ),
    Check("llm.truncation", truncation, _may_be_cut_off),
    Check("llm.errors", errors, _any_call(lambda call: _is_faulty(call) or _was_cut_off(call))),
    Check("llm.no-stream", no_stream, _any_call(_is_plain)),
)
