"""Recordings as runs: what each was a recording of, its traffic, and its calls with the answers that they were given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from conformance.timeline.calls import ShownCall, calls_of
from conformance.timeline.evidence import AnyFrame, Evidence, WireFacts, WireToolCall
from conformance.wire import facts_of, format_of, request_id_of
from harness.errors import UnreadableRecordingError
from harness.providers import recognized
from harness.recording import (
    CASSETTE,
    FRAMES,
    Interaction,
    Target,
    Trust,
    WireResponse,
    at_hand,
    load_frames,
    load_recording,
    pack_of,
    read_cassette,
    recover,
)


class AnsweredCall(Struct, frozen=True):
    """One call to a model, and which interaction of its recording answered it."""

    place: int
    response: WireResponse
    #: None where nobody here reads it; then `shown` is all that is known of the answer.
    wire_format: str | None
    streamed: bool
    has_functions: bool
    #: Whether the model was given tools that it may call.
    has_tools: bool
    #: What the frames said of it when it was recorded, as if the wire had been read.
    shown: WireFacts

    @property
    def facts(self) -> WireFacts:
        """What the recorded answer says: read from its bytes where its format is known, else as it was recorded."""
        return self.facts_of(self.response) or self.shown

    @property
    def was_refused(self) -> bool:
        """Whether the provider answered with an error status."""
        return not 200 <= self.response.status < 300

    def facts_of(self, response: WireResponse) -> WireFacts | None:
        """Return what another answer to this call says; None where its bytes can't be read."""
        if self.wire_format is None:
            return None
        return facts_of(response, self.wire_format, streamed=self.streamed, has_functions=self.has_functions)


class RecordedRun(Struct, frozen=True):
    """One recording."""

    #: The name of its folder.
    name: str
    path: Path
    target: Target
    interactions: tuple[Interaction, ...]
    #: In the order in which they start; empty where interactions and calls can't be told apart.
    calls: tuple[AnsweredCall, ...]


def load_run(folder: Path, trust: Trust) -> RecordedRun | None:
    """Return the recording in `folder`; None for one that was closed early, which says nothing of an integration.

    Its target may be what is trusted, and nothing else.

    Raises:
        UnreadableRecordingError: a file of it can't be read, or it was not written to its end.
    """
    with at_hand(folder) as here:
        recover(here)
        recording = load_recording(here)
        if recording.status == "partial":
            raise UnreadableRecordingError(
                f"'{folder}' is partial: the process that recorded it was stopped; record it again"
            )
        if recording.outcome is None or recording.outcome.status == "cancelled":
            return None
        interactions = read_cassette(here / CASSETTE)
        frames = load_frames(here / FRAMES)
        gate = trust.gate(recording.target, pack_of(folder) or folder)
        target = Target(recording.target, recording.entry, recording.inputs, recording.turns, gate)
        # Of a run that asked by other ways too, which request is whose can't be told.
        calls = () if recording.unframed_calls else tuple(_calls(interactions, frames))
        return RecordedRun(folder.name, folder, target, interactions, calls)


def _calls(interactions: Sequence[Interaction], frames: Sequence[AnyFrame]) -> Iterator[AnsweredCall]:
    calls = calls_of(Evidence(frames, "exhausted"))
    if not in_turn(frames):
        return
    for call, place in zip(calls, _places(interactions, len(calls)), strict=False):
        response, payload = interactions[place].response, call.started.data
        yield AnsweredCall(
            place,
            response,
            format_of(response),
            payload.get("stream") is True,
            bool(payload.get("available_functions")),
            any("function" in tool for tool in payload.get("tools") or () if isinstance(tool, Mapping)),
            _shown(call, response),
        )


def in_turn(frames: Sequence[AnyFrame]) -> bool:
    """Whether each call ends before the next one starts, so that the order of their requests is known."""
    is_open = False
    for frame in frames:
        if frame.type == "llm_call_started":
            if is_open:
                return False
            is_open = True
        elif frame.type in ("llm_call_completed", "llm_call_failed"):
            is_open = False
    return True


def _places(interactions: Sequence[Interaction], calls: int) -> Sequence[int]:
    """Return which interactions are calls to a model, where that can be told."""
    known = [
        place
        for place, taped in enumerate(interactions)
        if recognized(taped.request.method, taped.request.url, taped.request.body) is not None
    ]
    if len(known) == calls:
        return known
    if len(interactions) == calls:
        return range(calls)
    # Whatever a single call asked first, such as for a token: what answered it came last.
    return [len(interactions) - 1] if calls == 1 and interactions else []


def _shown(call: ShownCall, response: WireResponse) -> WireFacts:
    """Return what the recorded frames say, in the form of what is read from a wire."""
    ended = call.completed.data if call.completed is not None else {}
    answer = ended.get("response")
    text = call.joined("text") or (answer if isinstance(answer, str) else ended.get("text")) or ""
    failed = call.failed.data.get("error_type") if call.failed is not None else None
    refused = not 200 <= response.status < 300
    return WireFacts(
        streamed=call.started.data.get("stream") is True,
        text=text,
        status=response.status,
        ended_at_marker=failed != "StreamTruncatedError",
        thinking=call.joined("thinking"),
        tool_calls=tuple(_tool_calls(call, answer)),
        kinds=None if refused else tuple(kind for kind, _ in groupby(kind for kind, _ in call.chunks)),
        usage=ended.get("usage"),
        finish_reason=ended.get("finish_reason"),
        error_event=failed is not None and failed != "StreamTruncatedError" and not refused,
        request_id=request_id_of(response),
        has_functions=bool(call.started.data.get("available_functions")),
    )


def _tool_calls(call: ShownCall, answer: Any) -> Iterator[WireToolCall]:
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        for item in answer:
            function = item["function"]
            yield WireToolCall(function["name"], function["arguments"], item["id"])
        return
    joined: dict[Any, WireToolCall] = {}
    for kind, frame in call.chunks:
        if kind == "tool_call":
            call_data = frame.data["tool_call"]
            earlier = joined.get(call_data["index"], WireToolCall(call_data["function"]["name"], "", call_data["id"]))
            joined[call_data["index"]] = replace(earlier, arguments=earlier.arguments + frame.data["chunk"])
    yield from joined.values()
