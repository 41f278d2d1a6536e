"""The calls to a model in a timeline: each with its chunks, its tool runs, its end, and what the wire had for it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from conformance.timeline.evidence import AnyFrame, DeltaKind, Evidence, WireFacts, found_once

TERMINALS = ("llm_call_completed", "llm_call_failed")
CHUNKS = ("llm_stream_chunk", "llm_thinking_chunk")
TOOL_RUNS = ("tool_usage_started", "tool_usage_finished", "tool_usage_error")
#: The tool by which a structured answer is asked for where a model has no form of it. Callers see no tool.
_STRUCTURED = "structured_output"


class ShownCall(Struct):
    """One call: from its started frame to its first terminal frame, and whatever wrongly follows."""

    started: AnyFrame
    #: Whether user code emitted its started frame; then its frames are as that code made them.
    by_user: bool
    wire: WireFacts | None
    #: Text, thinking and tool-call chunks, and tool runs, in order, up to the terminal frame.
    body: list[AnyFrame] = field(default_factory=list)
    terminals: list[AnyFrame] = field(default_factory=list)
    #: Chunks that came after the terminal frame.
    after_terminal: list[AnyFrame] = field(default_factory=list)

    @property
    def name(self) -> str:
        return repr(self.started.data.get("call_id") or self.started.id)

    @property
    def completed(self) -> AnyFrame | None:
        return next((frame for frame in self.terminals[:1] if frame.type == "llm_call_completed"), None)

    @property
    def failed(self) -> AnyFrame | None:
        return next((frame for frame in self.terminals[:1] if frame.type == "llm_call_failed"), None)

    @property
    def chunks(self) -> list[tuple[DeltaKind, AnyFrame]]:
        """The pieces of the answer with their kinds, in order."""
        return [(kind, frame) for frame in self.body if (kind := delta_kind(frame)) is not None]

    @property
    def tool_runs(self) -> list[AnyFrame]:
        return [frame for frame in self.body if frame.type in TOOL_RUNS]

    @property
    def end(self) -> AnyFrame:
        """The frame that shows best how the call ended: its terminal frame, else what started it."""
        return self.terminals[0] if self.terminals else self.started

    def joined(self, kind: DeltaKind) -> str:
        """Return the deltas of one kind, joined."""
        return "".join(str(frame.data.get("chunk", "")) for of, frame in self.chunks if of == kind)


def calls_of(evidence: Evidence) -> list[ShownCall]:
    """Return the calls of a timeline, in the order in which they start."""
    return _sorted_frames(evidence)[0]


def chunks_of_no_call(evidence: Evidence) -> list[AnyFrame]:
    """Return the chunks that belong to no call that has started."""
    return _sorted_frames(evidence)[1]


def has_calls(evidence: Evidence) -> bool:
    return any(frame.type == "llm_call_started" for frame in evidence.frames)


def delta_kind(frame: AnyFrame) -> DeltaKind | None:
    """Return which kind of piece `frame` is, or None where it is none."""
    if frame.type == "llm_thinking_chunk":
        return "thinking"
    if frame.type == "llm_stream_chunk":
        return "tool_call" if frame.data.get("call_type") == "tool_call" else "text"
    return None


def tool_call_of(frame: AnyFrame) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return `data.tool_call` of a tool-call chunk and its function; empty where they are no mappings."""
    tool_call = frame.data.get("tool_call")
    tool_call = tool_call if isinstance(tool_call, Mapping) else {}
    function = tool_call.get("function")
    return tool_call, function if isinstance(function, Mapping) else {}


@found_once
def _sorted_frames(evidence: Evidence) -> tuple[list[ShownCall], list[AnyFrame]]:
    by_start: dict[object, ShownCall] = {}
    by_call_id: dict[str, ShownCall] = {}
    orphans: list[AnyFrame] = []
    for frame in evidence.frames:
        if frame.type == "llm_call_started":
            place = len(by_start)
            wire = evidence.wire[place] if place < len(evidence.wire) else None
            call = by_start[frame.id] = ShownCall(
                frame, frame.id in evidence.user_events, as_requested(wire, frame.data)
            )
            if isinstance(frame.data.get("call_id"), str):
                by_call_id[frame.data["call_id"]] = call
            continue
        link = frame.data.get("started_event_id") if frame.type in TERMINALS else frame.parent_id
        owner = by_start.get(link) if isinstance(link, str) else None
        if owner is None and frame.type in (*TERMINALS, *CHUNKS):
            owner = by_call_id.get(str(frame.data.get("call_id", "")))
        if owner is None and frame.type in TOOL_RUNS and frame.parent_id is None:
            # Nobody has to say what it is in, where it can be in one call alone.
            still_open = [call for call in by_start.values() if not call.terminals]
            owner = still_open[0] if len(still_open) == 1 else None
        if owner is not None:
            _add(owner, frame)
        elif frame.type in CHUNKS and frame.id not in evidence.user_events:
            orphans.append(frame)
    return list(by_start.values()), orphans


def _add(call: ShownCall, frame: AnyFrame) -> None:
    if frame.type in TERMINALS:
        call.terminals.append(frame)
    elif not call.terminals:
        call.body.append(frame)
    elif frame.type in CHUNKS:
        call.after_terminal.append(frame)


def as_requested(wire: WireFacts | None, started: Mapping[str, Any]) -> WireFacts | None:
    """Return the facts that a call with these settings is to show."""
    if wire is None:
        return None
    return _until_stop(_structured(wire, started.get("tools")), started.get("stop_sequences"))


def _structured(wire: WireFacts, tools: Any) -> WireFacts:
    names = {(tool.get("function") or tool).get("name") for tool in tools or () if isinstance(tool, Mapping)}
    answers = [call for call in wire.tool_calls if call.name == _STRUCTURED]
    if len(answers) != 1 or _STRUCTURED in names:
        return wire
    other_calls = tuple(call for call in wire.tool_calls if call.name != _STRUCTURED)
    if other_calls or wire.kinds is None:
        return replace(wire, text=answers[0].arguments, tool_calls=other_calls)
    shown = ("text" if kind == "tool_call" else kind for kind in wire.kinds if kind != "text")
    kinds = tuple(kind for kind, _ in groupby(shown))
    reason = "stop" if wire.finish_reason == "tool_calls" else wire.finish_reason
    return replace(wire, text=answers[0].arguments, tool_calls=(), kinds=kinds, finish_reason=reason)


def _until_stop(wire: WireFacts, words: Any) -> WireFacts:
    found = [place for word in words or () if word and (place := wire.text.find(word)) >= 0]
    if not found:
        return wire
    text = wire.text[: min(found)]
    kinds = wire.kinds if text or wire.kinds is None else tuple(kind for kind in wire.kinds if kind != "text")
    reason = wire.finish_reason if wire.finish_reason == "tool_calls" else "stop"
    return replace(wire, text=text, kinds=kinds, finish_reason=reason)
