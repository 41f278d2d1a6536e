"""Faults of what runs come to, and of what is shown of calls to models."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from conformance.timeline.evidence import ProgramOutcome
from tests.conformance import timelines
from tests.conformance.areas.edits import (
    GIVEN,
    chunk,
    data,
    drop,
    frame_of,
    read,
    resplit,
    row,
    split,
    then,
    tool_call,
    wire,
    with_frames,
)
from tests.conformance.timelines import RefusedError

T = timelines
CALL_MUTATIONS = (
    row("a result before the end", "result.gated", T.two_methods, read(0, raised=None)),
    row("another refusal", "result.gated", T.two_methods, read(0, raised=RuntimeError("not yet"))),
    row("a result after a break", "result.gated-after-break", T.two_methods, read(1, raised=None)),
    row(
        "a break that completes",
        "result.gated-after-break",
        T.two_methods,
        read(1, is_completed=True),
        "result.states",
    ),
    row("False for 0", "result.value", T.two_methods, read(2, value=False)),
    row("None for 0", "result.value", T.two_methods, read(2, value=None)),
    row("an error after the end", "result.value", T.two_methods, read(2, raised=GeneratorExit())),
    row(
        "another exception of the class",
        "result.reraises",
        T.refused_call,
        read(1, raised=RefusedError("too many requests")),
    ),
    row("a traceback that grows", "result.reraises", T.refused_call, read(1, traceback_depth=9)),
    row("no error after a failure", "result.reraises", T.refused_call, read(1, raised=None)),
    row("a result after close", "result.after-close", T.closed_early, read(0, raised=None)),
    row("a close that is not named", "result.after-close", T.closed_early, read(0, raised=RuntimeError("no"))),
    row("a failure that is exhausted", "result.states", T.refused_call, read(0, is_exhausted=True)),
    row("a close that is not cancelled", "result.states", T.closed_early, read(0, is_cancelled=False)),
    row("pieces in another order", "llm.sequence", T.text_call, wire(kinds=("text", "thinking"))),
    row("a call that is not shown", "llm.sequence", T.text_call, lambda e: replace(e, wire=(*e.wire, e.wire[0]))),
    row("a failure that is swallowed", "llm.sequence", T.truncated_call, lambda e: replace(e, ended="exhausted")),
    row(
        "a chunk before its call",
        "llm.sequence",
        T.own_provider,
        lambda e: replace(e, user_events=frozenset()),
        "order.parent-closed",
    ),
    row("a chunk lost", "llm.deltas-equal-final", T.text_call, drop(4)),
    row("a response of other text", "llm.deltas-equal-final", T.text_call, data(5, response="Hello!")),
    row("text that was not sent", "llm.deltas-equal-final", T.closed_early, data(4, chunk="Hex")),
    row(
        "a tool delta lost",
        "llm.deltas-equal-final",
        T.tools_handed_over,
        drop(3),
    ),
    row("a tool call without its id", "llm.tool-chunks", T.tools_run, tool_call(4, id=None)),
    row(
        "two tool calls of one id",
        "llm.tool-chunks",
        T.tools_run,
        tool_call(4, id="t0"),
    ),
    row("an id that changes", "llm.tool-chunks", T.tools_run, tool_call(3, id="t9")),
    row("a tool call without a type", "llm.tool-chunks", T.tools_run, tool_call(4, type=None)),
    row(
        "arguments that are deltas",
        "llm.tool-chunks",
        T.tools_run,
        tool_call(3, function={"name": "add", "arguments": ": 1}"}),
    ),
    row("the second parallel call lost", "llm.tool-chunks", T.tools_run, drop(4)),
    row(
        "another tool's name",
        "llm.tool-chunks",
        T.tools_run,
        wire(tool_calls=(T.TOOL_CALLS[0], replace(T.TOOL_CALLS[1], name="divide"))),
        "llm.tool-run",
    ),
    row(
        "a tool call on a text chunk",
        "llm.tool-chunks",
        T.text_call,
        then(data(3, tool_call={"id": "t"}), wire(tool_calls=T.TOOL_CALLS)),
        "llm.tool-run",
    ),
    row("only one of two tools run", "llm.tool-run", T.tools_run, then(drop(7), drop(7))),
    row(
        "a result that is not the tools'",
        "llm.tool-run",
        T.tools_run,
        then(read(0, value=1), lambda e: replace(e, outcome=ProgramOutcome(1))),
    ),
    row(
        "calls as provider objects",
        "llm.tool-run",
        T.tools_handed_over,
        data(5, response=[GIVEN, {**GIVEN, "input": {}}]),
        "llm.deltas-equal-final",
    ),
    row("calls that are not given", "llm.tool-run", T.tools_handed_over, data(5, response="")),
    row("tools run without being given", "llm.tool-run", T.tools_run, wire(has_functions=False)),
    row(
        "a tool run before its call has come whole",
        "llm.tool-run",
        T.tools_run,
        lambda e: with_frames(
            e,
            [
                dataclasses.replace(frame_of(e, old), seq=new, previous_id=None)
                for new, old in enumerate((1, 2, 3, 5, 6, 4, 7, 8, 9), 1)
            ],
        ),
    ),
    row("thinking dropped", "llm.thinking", T.text_call, then(drop(2), wire(kinds=None))),
    row("usage lost", "llm.usage", T.tools_run, data(9, usage=None)),
    row("usage of zero", "llm.usage", T.text_call, data(5, usage={**T.USAGE, "prompt_tokens": 0})),
    row(
        "cached tokens that were not sent",
        "llm.usage",
        T.text_call,
        data(5, usage={**T.USAGE, "cached_prompt_tokens": 1}),
    ),
    row("usage under the provider's names", "llm.usage", T.nested, data(9, usage={"input_tokens": 3})),
    row("usage that is no object", "llm.usage", T.text_call, data(5, usage=[T.USAGE])),
    row("a part of usage in words", "llm.usage", T.text_call, data(5, usage={**T.USAGE, "reasoning_tokens": "1"})),
    row("usage that was not sent", "llm.usage", T.plain_call, data(2, usage=T.USAGE)),
    row("a provider's own finish reason", "llm.usage", T.text_call, data(5, finish_reason="end_turn")),
    row("another finish reason", "llm.usage", T.text_call, data(5, finish_reason="length")),
    row("a cut stream as a success", "llm.truncation", T.text_call, wire(ended_at_marker=False)),
    row("an HTTP error as a success", "llm.errors", T.plain_call, wire(status=500)),
    row("an error event as a success", "llm.errors", T.text_call, wire(error_event=True)),
    row("an error without its status", "llm.errors", T.refused_call, wire(status=503)),
    row("an error of another request", "llm.errors", T.refused_call, wire(request_id="req-2")),
    row("another plain response", "llm.no-stream", T.plain_call, data(2, response="Hel")),
    row("chunks of a plain call", "llm.no-stream", T.text_call, wire(streamed=False)),
    row("no plain response", "llm.no-stream", T.plain_call, data(2, response=None)),
    row("a torn character", "llm.rechunk", T.resplit_call, split(3, chunk="He\ufffd")),
    row("usage lost with the split", "llm.rechunk", T.resplit_call, split(5, usage=None)),
    row(
        "a last frame lost with the split",
        "llm.rechunk",
        T.resplit_call,
        lambda e: resplit(e, tuple(e.frames)[:-1]),
    ),
    row("a start that has a legacy chunk", "llm.legacy-chunk", T.projected_call, chunk(1, T.Chunk("", "text"))),
    row("thinking that has none", "llm.legacy-chunk", T.projected_call, chunk(2, None)),
    row("its agent lost", "llm.legacy-chunk", T.projected_call, chunk(2, T.Chunk("hm", "text"))),
    row("another text", "llm.legacy-chunk", T.projected_call, chunk(3, T.Chunk("hel", "text"))),
    row("a chunk with nothing in it", "llm.legacy-chunk", T.projected_call, chunk(3, object())),
    row("arguments as text", "llm.legacy-chunk", T.projected_call, chunk(4, T.Chunk('{"a"', "text"))),
    row(
        "another tool's name in the legacy chunk",
        "llm.legacy-chunk",
        T.projected_call,
        chunk(4, T.Chunk('{"a"', "tool_call", T.CalledChunk("t0", "divide", '{"a"', 0))),
    ),
)
