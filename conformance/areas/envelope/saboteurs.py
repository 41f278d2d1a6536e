"""Saboteurs of the clauses `envelope.*`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

from conformance.proof.drafts import DRAFT, FRAME, draft_with, frame_with, put
from conformance.proof.saboteur import Saboteur
from harness import StreamFrame
from harness.frames.frozen import FrozenDict, FrozenList


def _versioned(frame: Callable[..., StreamFrame]) -> Callable[..., StreamFrame]:
    def broken(draft: Any, seq: int, parent_id: str | None) -> StreamFrame:
        made = frame(draft, seq, parent_id)
        object.__setattr__(made, "__pydantic_extra__", {"version": "v1"})
        return made

    return broken


def _id_of_its_start(frame: StreamFrame) -> dict[str, Any]:
    # The last frame of all: no later one refers to its id.
    last = frame.type == "flow_finished" and frame.parent_id is None
    return {"id": frame.data["started_event_id"]} if last else {}


def _error_for_failed(frame: StreamFrame) -> dict[str, Any]:
    return {"type": frame.type.replace("_failed", "_error")} if frame.channel == "custom" else {}


def _every_chunk(content: property) -> property:
    return property(lambda frame: frame.data.get("chunk") or "")


def _nothing(event: property) -> property:
    return property(lambda frame: {})


def _with_event_id(draft: Any) -> None:
    put(draft, "event_id", draft.event.event_id)


def _bytes_as_they_are(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, bytes) else encode(value)


def _cut_at_five_levels(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def cut(value: Any, levels: int) -> Any:
        if not isinstance(value, dict | list):
            return value
        if levels == 0:
            return repr(value)
        if isinstance(value, dict):
            return FrozenDict({key: cut(item, levels - 1) for key, item in value.items()})
        return FrozenList(cut(item, levels - 1) for item in value)

    return lambda value: cut(encode(value), 5)


def _nameless_error(draft: Any) -> None:
    if "error_type" in draft.payload:
        put(draft, "error_type", None)


def _local_time(frame: StreamFrame) -> dict[str, Any]:
    return {"timestamp": frame.timestamp.astimezone(timezone(timedelta(hours=2)))}


def _plain_dict(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def broken(frame: Any) -> Any:
        payload = read(frame)
        if "data" not in frame.__dict__:
            return payload
        frame.__dict__["data"] = dict(payload)
        return frame.__dict__["data"]

    return broken


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("frames-with-a-version", ("envelope.fields",), FRAME, _versioned),
    Saboteur(
        "last-id-repeated",
        ("envelope.id-unique",),
        FRAME,
        frame_with(_id_of_its_start),
        {"envelope.type-verbatim": "the event of that id has another type"},
    ),
    Saboteur("failed-renamed-to-error", ("envelope.type-verbatim",), FRAME, frame_with(_error_for_failed)),
    Saboteur("event-is-empty", ("envelope.event-alias",), "harness.frames.frame:StreamFrame.event", _nothing),
    Saboteur(
        "tool-arguments-printed", ("envelope.content-text",), "harness.frames.frame:StreamFrame.content", _every_chunk
    ),
    Saboteur("event-id-in-data", ("envelope.data-clean",), DRAFT, draft_with(_with_event_id)),
    Saboteur("bytes-not-encoded", ("envelope.data-json",), "harness.frames.frame:encode", _bytes_as_they_are),
    Saboteur(
        "payloads-cut-at-five-levels", ("envelope.data-json",), "harness.frames.frame:encode", _cut_at_five_levels
    ),
    Saboteur("errors-without-a-class", ("envelope.error-class",), DRAFT, draft_with(_nameless_error)),
    Saboteur("local-timestamps", ("envelope.timestamp-utc",), FRAME, frame_with(_local_time)),
    Saboteur("payloads-open-to-change", ("envelope.immutable",), "harness.frames.frame:_read_payload", _plain_dict),
)
