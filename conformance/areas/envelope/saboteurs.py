"""Saboteurs of the clauses `envelope.*`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

from conformance.proof.frames import FIELDS, PAYLOAD, fields_with, payload_with, put
from conformance.proof.saboteur import Saboteur, changed, instead, reading
from harness import StreamFrame
from harness.frames.frozen import FrozenDict, FrozenList


def _versioned(frame: StreamFrame) -> dict[str, Any]:
    return {"__pydantic_extra__": {"version": "v1"}}


def _id_of_its_start(frame: StreamFrame) -> dict[str, Any]:
    # The last frame of all: no later one refers to its id.
    last = frame.type == "flow_finished" and frame.parent_id is None
    return {"id": frame.data["started_event_id"]} if last else {}


def _error_for_failed(frame: StreamFrame) -> dict[str, Any]:
    return {"type": frame.type.replace("_failed", "_error")} if frame.channel == "custom" else {}


def _chunk(content: Any, frame: StreamFrame) -> Any:
    return frame.data.get("chunk") or ""


def _with_event_id(record: Any, payload: Any) -> None:
    put(payload, "event_id", str(record.event_id))


@instead
def _bytes_as_they_are(encode: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else encode(value)


def _cut(value: Any, levels: int = 5) -> Any:
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return repr(value)
    if isinstance(value, dict):
        return FrozenDict({key: _cut(item, levels - 1) for key, item in value.items()})
    return FrozenList(_cut(item, levels - 1) for item in value)


def _nameless_error(record: Any, payload: Any) -> None:
    if "error_type" in payload:
        put(payload, "error_type", None)


def _local_time(frame: StreamFrame) -> dict[str, Any]:
    return {"timestamp": frame.timestamp.astimezone(timezone(timedelta(hours=2)))}


def _shared_and_open(payload_of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    shared: dict[Any, Any] = {}

    def broken(record: Any) -> Any:
        payload = payload_of(record)
        return shared.setdefault(record, dict(payload) if isinstance(payload, dict) else payload)

    return broken


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "frames-with-a-version",
        ("envelope.fields",),
        FIELDS,
        fields_with(_versioned),
        {"envelope.data-json": "a frame with more than its model allows can't be loaded"},
    ),
    Saboteur(
        "last-id-repeated",
        ("envelope.id-unique",),
        FIELDS,
        fields_with(_id_of_its_start),
        {"envelope.type-verbatim": "the event of that id has another type"},
    ),
    Saboteur("failed-renamed-to-error", ("envelope.type-verbatim",), FIELDS, fields_with(_error_for_failed)),
    Saboteur(
        "event-is-empty",
        ("envelope.event-alias",),
        "harness.frames.frame:StreamFrame.event",
        reading(lambda event, frame: {}),
    ),
    Saboteur(
        "tool-arguments-printed",
        ("envelope.content-text",),
        "harness.frames.frame:StreamFrame.content",
        reading(_chunk),
    ),
    Saboteur("event-id-in-data", ("envelope.data-clean",), PAYLOAD, payload_with(_with_event_id)),
    Saboteur(
        "bytes-not-encoded",
        ("envelope.data-json",),
        "harness.frames.payload:encode",
        _bytes_as_they_are,
        shown_by=("payload/bytes/sync", "payload/bytes/async"),
    ),
    Saboteur(
        "payloads-cut-at-five-levels",
        ("envelope.data-json",),
        "harness.frames.payload:encode",
        changed(_cut),
        shown_by=("payload/deep-150/sync", "payload/deep-150/async"),
    ),
    Saboteur("errors-without-a-class", ("envelope.error-class",), PAYLOAD, payload_with(_nameless_error)),
    Saboteur("local-timestamps", ("envelope.timestamp-utc",), FIELDS, fields_with(_local_time)),
    Saboteur("payloads-open-to-change", ("envelope.immutable",), PAYLOAD, _shared_and_open),
)
