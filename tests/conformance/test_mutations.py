"""Every check can fail: one broken timeline per clause, caught by exactly the clauses that its row names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from conformance.areas.catalogue import checks
from conformance.areas.llm.rechunk import rechunked
from conformance.run.judge import judge
from conformance.timeline.any_frame import AnyFrame
from conformance.timeline.evidence import Evidence, ProgramOutcome, WireFacts
from tests.conformance import timelines
from tests.conformance.timelines import Frame, FrozenItems, RefusedError, frozen

Edit = Callable[[Evidence], Evidence]


def _frame(evidence: Evidence, seq: int) -> Frame:
    frame = evidence.frames[seq - 1]
    assert isinstance(frame, Frame)
    return frame


def with_frames(evidence: Evidence, frames: list[AnyFrame]) -> Evidence:
    return replace(evidence, frames=tuple(frames))


def put(seq: int, /, **changes: Any) -> Edit:
    """Replace envelope fields of one frame."""

    def edit(evidence: Evidence) -> Evidence:
        frames = list(evidence.frames)
        frames[seq - 1] = replace(_frame(evidence, seq), **changes)
        return with_frames(evidence, frames)

    return edit


def data(seq: int, /, **changes: Any) -> Edit:
    """Replace keys of one frame's payload."""

    def edit(evidence: Evidence) -> Evidence:
        return put(seq, data=frozen({**_frame(evidence, seq).data, **changes}))(evidence)

    return edit


def tool_call(seq: int, /, **changes: Any) -> Edit:
    """Replace keys of one tool-call chunk's `tool_call`."""
    return lambda evidence: data(seq, tool_call={**_frame(evidence, seq).data["tool_call"], **changes})(evidence)


def wire(**changes: Any) -> Edit:
    """Replace what the provider sent for the first call."""

    def edit(evidence: Evidence) -> Evidence:
        facts = evidence.wire[0]
        assert facts is not None
        return replace(evidence, wire=(replace(facts, **changes), *evidence.wire[1:]))

    return edit


def read(place: int, /, **changes: Any) -> Edit:
    """Replace what one read of the result gave."""

    def edit(evidence: Evidence) -> Evidence:
        reads = list(evidence.reads)
        reads[place] = replace(reads[place], **changes)
        return replace(evidence, reads=tuple(reads))

    return edit


def split(seq: int, /, **changes: Any) -> Edit:
    """Replace keys of one frame's payload in the run whose bytes were split otherwise."""

    def edit(evidence: Evidence) -> Evidence:
        other = data(seq, **changes)(evidence).frames
        return resplit(evidence, other)

    return edit


def resplit(evidence: Evidence, other: Sequence[AnyFrame]) -> Evidence:
    """Hold other frames to those of the run whose bytes came whole."""
    return replace(evidence, expected=tuple(rechunked(evidence.frames, {"byte by byte": other})))


def chunk(seq: int, made: Any) -> Edit:
    """Replace the legacy chunk of one frame."""
    return lambda evidence: timelines.projected_call({seq: made})


def swap(seq: int) -> Edit:
    """Deliver one frame before the one that precedes it."""

    def edit(evidence: Evidence) -> Evidence:
        frames = list(evidence.frames)
        frames[seq - 2 : seq] = reversed(frames[seq - 2 : seq])
        return with_frames(evidence, frames)

    return edit


def drop(seq: int) -> Edit:
    """Leave one frame out and number the rest anew, as if it had never been."""

    def edit(evidence: Evidence) -> Evidence:
        rest = [_frame(evidence, n) for n in range(1, len(evidence.frames) + 1) if n != seq]
        return with_frames(evidence, [replace(frame, seq=n, previous_id=None) for n, frame in enumerate(rest, 1)])

    return edit


def untold(frame_type: str) -> Edit:
    """Leave out the frame of that type."""
    return lambda evidence: drop(next(frame.seq for frame in evidence.frames if frame.type == frame_type))(evidence)


def again(seq: int, /, **changes: Any) -> Edit:
    """Add one frame once more at the end, with an id and a number of its own."""

    def edit(evidence: Evidence) -> Evidence:
        extra = replace(_frame(evidence, seq), id="again", seq=len(evidence.frames) + 1, **changes)
        sources = {**(evidence.source_types or {}), "again": extra.type}
        return replace(evidence, frames=(*evidence.frames, extra), source_types=sources)

    return edit


def as_class(seq: int, cls: type[Frame], **more: Any) -> Edit:
    """Make one frame an instance of another class."""

    def edit(evidence: Evidence) -> Evidence:
        frames = list(evidence.frames)
        frame = _frame(evidence, seq)
        frames[seq - 1] = cls(**{item.name: getattr(frame, item.name) for item in fields(Frame)}, **more)
        return with_frames(evidence, frames)

    return edit


def then(*edits: Edit) -> Edit:
    def edit(evidence: Evidence) -> Evidence:
        for apply in edits:
            evidence = apply(evidence)
        return evidence

    return edit


@dataclass(frozen=True)
class Versioned(Frame):
    version: str = "v1"


class OtherEvent(Frame):
    @property
    def event(self) -> dict[str, Any]:
        return {}


class Talkative(Frame):
    @property
    def content(self) -> str:
        return str(self.data["chunk"])


class Unprintable(Frame):
    def __str__(self) -> str:
        return f"<Frame {self.seq}>"


class Assignable(Frame):
    __setattr__ = object.__setattr__


class Reloading(Frame):
    def model_dump_json(self) -> str:
        return "{}"

    def model_validate_json(self, text: str) -> object:
        return text


class Color(Enum):
    RED = "red"


def nest(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


CEST = timezone(timedelta(hours=2))
NAIVE = datetime(2026, 1, 1)
GIVEN = {"id": "t0", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


@dataclass(frozen=True)
class Mutation:
    what: str
    clause: str
    of: Callable[[], Evidence]
    edit: Edit
    #: Other clauses that the same fault breaks.
    also: frozenset[str] = frozenset()


def row(what: str, clause: str, of: Callable[[], Evidence], edit: Edit, *also: str) -> Mutation:
    return Mutation(what, clause, of, edit, frozenset(also))


T = timelines
MUTATIONS = (
    row("a version field", "envelope.fields", T.text_call, as_class(1, Versioned)),
    row("data that is None", "envelope.fields", T.text_call, put(3, data=None)),
    row("a type that is no text", "envelope.fields", T.text_call, put(3, type=None)),
    row("an id used twice", "envelope.id-unique", T.text_call, then(put(4, id="e3"), put(5, previous_id="e3"))),
    row("an empty id", "envelope.id-unique", T.text_call, then(put(4, id=""), put(5, previous_id="e3"))),
    row("an id of its own making", "envelope.id-unique", T.text_call, then(put(4, id="x"), put(5, previous_id="e3"))),
    row("a renamed type", "envelope.type-verbatim", T.two_methods, put(4, type="import_broke")),
    row("an event that is not data", "envelope.event-alias", T.text_call, as_class(1, OtherEvent)),
    row("tool arguments as content", "envelope.content-text", T.tools_run, as_class(2, Talkative)),
    row("a str() for programmers", "envelope.content-text", T.text_call, as_class(3, Unprintable)),
    row("an event id in data", "envelope.data-clean", T.text_call, data(3, event_id="e3")),
    row("bytes in data", "envelope.data-json", T.text_call, data(1, messages=[b"x"])),
    row("NaN in data", "envelope.data-json", T.text_call, data(1, temperature=float("nan"))),
    row("a lone surrogate in data", "envelope.data-json", T.text_call, data(1, messages="\ud800")),
    row("a key that is no text", "envelope.data-json", T.text_call, data(1, messages={1: 2})),
    row("a tuple in data", "envelope.data-json", T.text_call, data(1, messages=(1,))),
    row("a time in data", "envelope.data-json", T.text_call, data(1, at=datetime(2026, 1, 1, tzinfo=UTC))),
    row("data too deep to load", "envelope.data-json", T.text_call, data(1, messages=nest(260))),
    row("data deeper than common parsers read", "envelope.data-json", T.text_call, data(1, messages=nest(251))),
    row("an id in data", "envelope.data-json", T.text_call, data(1, messages=[UUID(int=1)])),
    row("an enum's member in data", "envelope.data-json", T.text_call, data(1, messages={"a": Color.RED})),
    row("a dump that can't be loaded", "envelope.data-json", T.text_call, as_class(1, Reloading)),
    row("a naive timestamp", "envelope.timestamp-utc", T.text_call, put(2, timestamp=NAIVE)),
    row(
        "a local timestamp", "envelope.timestamp-utc", T.text_call, put(2, timestamp=datetime(2026, 1, 1, tzinfo=CEST))
    ),
    row("a naive time in data", "envelope.timestamp-utc", T.nested, data(11, finished_at="2026-01-01T00:00:00")),
    row("a frame that can be assigned", "envelope.immutable", T.text_call, as_class(3, Assignable)),
    row(
        "a payload that can be edited",
        "envelope.immutable",
        T.text_call,
        put(3, data={"chunk": "Hel", "call_id": "c1"}),
    ),
    row(
        "a list in a payload",
        "envelope.immutable",
        T.text_call,
        lambda e: put(1, data={**e.frames[0].data, "n": [1]})(e),
    ),
    row("a failure without its class", "envelope.error-class", T.failed_flow, data(3, error_type=None)),
    row("a failure without its text", "envelope.error-class", T.failed_flow, data(4, error=None)),
    row(
        "a seventh channel",
        "channel.closed-set",
        T.text_call,
        put(3, channel="tokens", namespace=("tokens", "c1")),
        "channel.llm",
        "channel.by-table",
    ),
    row("a chunk on custom", "channel.llm", T.text_call, put(1, channel="custom", namespace=("custom", "c1"))),
    row(
        "a method on lifecycle",
        "channel.flow",
        T.failed_flow,
        put(3, channel="lifecycle", namespace=("lifecycle", "Report", "write")),
    ),
    row(
        "one of two tools on custom",
        "channel.tools",
        T.nested,
        put(10, channel="custom", namespace=("custom", "add", "Writer")),
    ),
    row(
        "a message on flow",
        "channel.messages",
        T.deferred_turn,
        then(
            put(3, channel="flow", namespace=("flow", "Chat", "s1")),
            put(11, channel="flow", namespace=("flow", "Chat", "s1")),
        ),
    ),
    row(
        "a started task on custom",
        "channel.lifecycle",
        T.nested,
        put(4, channel="custom", namespace=("custom", "draft")),
    ),
    row(
        "x_failed routed by its name",
        "channel.custom",
        T.two_methods,
        put(4, channel="lifecycle", namespace=("lifecycle",)),
        "channel.by-table",
    ),
    row(
        "one type on two channels",
        "channel.by-table",
        T.text_call,
        put(4, channel="messages", namespace=("messages", "c1")),
        "channel.llm",
    ),
    row("a namespace without its method", "namespace.order", T.failed_flow, put(2, namespace=("flow", "Report"))),
    row("names in another order", "namespace.order", T.failed_flow, put(2, namespace=("flow", "write", "Report"))),
    row("a number left out", "order.seq-gapless", T.text_call, put(5, seq=7)),
    row("numbers from 0", "order.seq-gapless", T.text_call, put(1, seq=0)),
    row("a number used twice", "order.seq-gapless", T.text_call, put(4, seq=3)),
    row("no number at all", "order.seq-gapless", T.text_call, put(3, seq=None)),
    row("two chunks swapped", "order.delivery", T.parallel_calls, swap(7), "order.previous-earlier"),
    row("a parent of another session", "order.parent-closed", T.two_methods, put(4, parent_id="elsewhere")),
    row("a parent that opened nothing", "order.parent-closed", T.two_methods, then(put(6, parent_id="e4"))),
    row("a parent that is closed", "order.parent-closed", T.two_methods, put(6, parent_id="e3")),
    row("a method in a method", "order.parent-closed", T.two_methods, put(3, parent_id="e2")),
    row("a method in another flow", "order.parent-closed", T.nested, put(16, parent_id="e1")),
    row("a chunk in its method", "order.parent-closed", T.parallel_calls, put(6, parent_id="e2")),
    row(
        "a chunk in another call",
        "order.parent-closed",
        T.parallel_calls,
        put(6, parent_id="e5"),
        "llm.deltas-equal-final",
    ),
    row("a chunk in nothing", "order.parent-closed", T.text_call, put(3, parent_id=None)),
    row("a method left open", "order.scope-nesting", T.two_methods, drop(6)),
    row("a flow left open", "order.scope-nesting", T.two_methods, drop(7)),
    row("a method closed twice", "order.scope-nesting", T.two_methods, data(6, started_event_id="e3")),
    row("a method that closes its flow", "order.scope-nesting", T.two_methods, data(6, started_event_id="e1")),
    row("an end that names no start", "order.scope-nesting", T.two_methods, data(6, started_event_id=None)),
    row(
        "a flow finished before its method",
        "order.scope-nesting",
        T.two_methods,
        then(swap(7), put(6, seq=6, previous_id=None), put(7, seq=7, previous_id=None)),
        "order.parent-closed",
        "order.terminal-last",
    ),
    row("a turn left open", "order.scope-nesting", T.deferred_turn, drop(13)),
    row("a previous frame that comes later", "order.previous-earlier", T.text_call, put(2, previous_id="e4")),
    row("a previous frame of another session", "order.previous-earlier", T.text_call, put(2, previous_id="elsewhere")),
    row("a call without an end", "order.one-completion", T.parallel_calls, drop(9), "order.scope-nesting"),
    row(
        "a call that completes twice",
        "order.one-completion",
        T.text_call,
        again(5),
        "order.scope-nesting",
        "order.terminal-last",
    ),
    row(
        "a chunk after the end",
        "order.one-completion",
        T.text_call,
        again(4),
        "order.parent-closed",
        "order.terminal-last",
    ),
    row("an event after the end", "order.terminal-last", T.two_methods, again(4, parent_id=None)),
    row(
        "a message after the end of a turn that names nothing",
        "order.terminal-last",
        T.deferred_turn,
        then(data(13, started_event_id=None), again(11, parent_id=None)),
        "order.scope-nesting",
    ),
    row("a flow that fails untold", "error.frames-first", T.failed_flow, untold("flow_failed"), "order.scope-nesting"),
    row(
        "a method that fails untold",
        "error.frames-first",
        T.failed_flow,
        untold("method_execution_failed"),
        "order.scope-nesting",
    ),
    row(
        "a turn that fails untold",
        "error.frames-first",
        T.failed_turn,
        untold("conversation_turn_failed"),
        "order.scope-nesting",
    ),
    row(
        "a handler that fails untold",
        "error.frames-first",
        T.failed_turn,
        untold("method_execution_failed"),
        "order.scope-nesting",
    ),
    row(
        "a call that fails untold",
        "error.frames-first",
        T.refused_call,
        untold("llm_call_failed"),
        "order.scope-nesting",
        "order.one-completion",
        "llm.errors",
    ),
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
                replace(_frame(e, old), seq=new, previous_id=None)
                for new, old in enumerate((1, 2, 3, 5, 6, 4, 7, 8, 9), 1)
            ],
        ),
    ),
    row("thinking dropped", "llm.thinking", T.text_call, then(drop(2), wire(kinds=None))),
    row("usage lost", "llm.usage", T.tools_run, data(9, usage=None)),
    row("usage of zero", "llm.usage", T.text_call, data(5, usage={**T.USAGE, "prompt_tokens": 0})),
    row("usage under the provider's names", "llm.usage", T.nested, data(9, usage={"input_tokens": 3})),
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


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.clause}: {mutation.what}")
def test_a_fault_is_caught_by_its_clause_and_by_no_other(mutation: Mutation) -> None:
    assert not judge(mutation.of()).violations

    verdict = judge(mutation.edit(mutation.of()))

    assert set(verdict.failed) == {mutation.clause, *mutation.also}


def test_every_check_of_a_timeline_has_a_fault_that_it_catches() -> None:
    assert {mutation.clause for mutation in MUTATIONS} == {*checks(), "llm.rechunk", "llm.legacy-chunk"}


def test_an_error_that_names_no_provider_is_untyped() -> None:
    error = RuntimeError("429")
    evidence = T.refused_call()
    reads = tuple(replace(item, raised=error) for item in evidence.reads)

    verdict = judge(replace(evidence, reads=reads, outcome=ProgramOutcome(error=error)))

    assert verdict.failed == ("llm.errors",)
    assert [violation.message.partition(" does")[0] for violation in verdict.violations[:1]] == ["RuntimeError"]


def test_two_runs_that_show_nothing_of_the_answer_are_not_testable() -> None:
    frames = T.plain_call().frames

    verdict = judge(resplit(T.plain_call(), frames))

    assert verdict.status("llm.rechunk") == "not-testable"


def test_all_violations_are_given_not_the_first() -> None:
    evidence = then(data(2, type="x"), data(3, event_id="e3"))(T.text_call())

    assert [violation.seq for violation in judge(evidence).violations] == [2, 3]


def test_an_edit_that_no_other_reader_sees_is_no_violation() -> None:
    def editable() -> tuple[Frame, ...]:
        return tuple(
            replace(_frame(T.text_call(), n), data=dict(T.text_call().frames[n - 1].data)) for n in range(1, 6)
        )

    evidence = replace(T.text_call(), frames=editable(), replayed=editable())

    assert judge(evidence).status("envelope.immutable") == "passed"


def test_trying_to_edit_leaves_no_trace() -> None:
    payload: dict[str, Any] = {"call_id": "c1", "messages": [{"content": ["Hi"]}]}
    evidence = put(1, data=payload)(T.text_call())

    assert judge(evidence).status("envelope.immutable") == "failed"
    assert payload == {"call_id": "c1", "messages": [{"content": ["Hi"]}]}


def test_a_payload_inside_itself_is_reported_and_not_followed_for_ever() -> None:
    payload: dict[str, Any] = {"call_id": "c1"}
    payload["self"] = payload

    verdict = judge(put(1, data=payload)(T.text_call()))

    assert "envelope.data-json" in verdict.failed


def test_frozen_items_of_the_builder_refuse_a_change() -> None:
    with pytest.raises(TypeError, match="can't be changed"):
        FrozenItems().append(1)


def test_a_read_of_each_moment_is_judged() -> None:
    moments = {item.when for of in T.SOUND for item in of().reads}

    assert moments == {"before", "after-break", "after-exhaustion", "after-failure", "after-close"}


def test_wire_facts_of_a_later_call_are_matched_to_it() -> None:
    facts = WireFacts(streamed=True, text="y", status=200, ended_at_marker=True, usage=T.USAGE, finish_reason="stop")

    verdict = judge(replace(T.parallel_calls(), wire=(None, facts)))

    assert [(item.clause, item.seq) for item in verdict.violations] == [("llm.deltas-equal-final", 9)]
