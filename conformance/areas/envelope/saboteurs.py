"""Saboteurs of the clauses `envelope.*`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from conformance.proof.frames import FIELDS, PAYLOAD, fields_with, payload_with, put
from conformance.proof.saboteur import Saboteurs, changing, making, reading
from harness import StreamFrame
from harness.frames.frozen import FrozenDict, FrozenList

SABOTEURS: Final = Saboteurs()


def _cut(value: Any, levels: int = 5) -> Any:
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return repr(value)
    if isinstance(value, dict):
        return FrozenDict({key: _cut(item, levels - 1) for key, item in value.items()})
    return FrozenList(_cut(item, levels - 1) for item in value)


def _with_error_type(name: str | None) -> Callable[[Any], Any]:
    return payload_with(lambda _, payload: put(payload, "error_type", name) if payload.get("error_type") else None)


@SABOTEURS.row(
    "frames-with-a-version",
    ("envelope.fields",),
    FIELDS,
    {"envelope.data-json": "a frame with more than its model allows can't be loaded"},
    by=fields_with,
)
def _(frame: StreamFrame) -> dict[str, Any]:
    return {"__pydantic_extra__": {"version": "v1"}}


@SABOTEURS.row(
    "last-id-repeated",
    ("envelope.id-unique",),
    FIELDS,
    {
        "envelope.type-verbatim": "the event of that id has another type",
        **dict.fromkeys(
            (
                "session.iterates",
                "session.projections",
                "session.independent-views",
                "session.replay",
                "session.thread-safe",
            ),
            "frames of one id are not told apart where views are held to the session's",
        ),
    },
    by=fields_with,
)
def _(frame: StreamFrame) -> dict[str, Any]:
    # The last frame of all: no later one refers to its id.
    last = frame.type == "flow_finished" and frame.parent_id is None
    return {"id": frame.data["started_event_id"]} if last else {}


@SABOTEURS.row(
    "failed-renamed-to-error",
    ("envelope.type-verbatim",),
    FIELDS,
    {"session.iterates": "an event is looked for by the type with which it was published"},
    by=fields_with,
)
def _(frame: StreamFrame) -> dict[str, Any]:
    return {"type": frame.type.replace("_failed", "_error")} if frame.channel == "custom" else {}


SABOTEURS.add(
    "event-is-empty",
    ("envelope.event-alias",),
    "harness.frames.frame:StreamFrame.event",
    reading(lambda event, frame: {}),
)


@SABOTEURS.row(
    "tool-arguments-printed", ("envelope.content-text",), "harness.frames.frame:StreamFrame.content", by=reading
)
def _(content: Any, frame: StreamFrame) -> Any:
    chunk = frame.data.get("chunk")
    return chunk if isinstance(chunk, str) else ""


@SABOTEURS.row(
    "event-id-in-data",
    ("envelope.data-clean",),
    PAYLOAD,
    {"replay.equal": "ids are others in each run"},
    by=payload_with,
)
def _(record: Any, payload: Any) -> None:
    put(payload, "event_id", str(record.event_id))


@SABOTEURS.row(
    "bytes-not-encoded",
    ("envelope.data-json",),
    "harness.frames.payload:encode",
    shown_by=("payload/bytes/sync", "payload/bytes/async"),
)
def _(encode: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else encode(value)


SABOTEURS.add(
    "payloads-cut-at-five-levels",
    ("envelope.data-json",),
    "harness.frames.payload:encode",
    changing(_cut),
    shown_by=("payload/deep-150/sync", "payload/deep-150/async"),
)


SABOTEURS.add("errors-without-a-class", ("envelope.error-class",), PAYLOAD, _with_error_type(None))


@SABOTEURS.row(
    "naive-times-local",
    ("envelope.timestamp-utc",),
    "harness.frames.payload:encode",
    shown_by=("payload/naive-time/sync", "payload/naive-time/async"),
)
def _(encode: Any, value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=timezone(timedelta(hours=2))).isoformat()
    return encode(value)


@SABOTEURS.row(
    "naive-times-inside",
    ("envelope.timestamp-utc",),
    "harness.frames.payload:encode",
    shown_by=("payload/times-inside/sync", "payload/times-inside/async"),
)
def _(encode: Any, value: Any) -> Any:
    """Leave times that stand inside of something as they are."""
    if isinstance(value, dict) and isinstance(value.get("at"), list):
        value = {"at": [value["at"][0].isoformat(), *value["at"][1:]]}
    return encode(value)


@SABOTEURS.row(
    "naive-stamps-local",
    ("envelope.timestamp-utc",),
    "harness.events.base:with_owners",
    shown_by=("event/naive-time/sync", "event/naive-time/async"),
)
def _(with_owners: Any, fields: dict[str, Any]) -> Any:
    stamp = fields.get("timestamp")
    if isinstance(stamp, datetime) and stamp.tzinfo is None:
        fields = {**fields, "timestamp": stamp.replace(tzinfo=timezone(timedelta(hours=2)))}
    return with_owners(fields)


@SABOTEURS.row(
    "levels-of-maps-uncounted",
    ("envelope.data-json",),
    "harness.frames.payload:encode",
    shown_by=("payload/numbered-150/sync", "payload/numbered-150/async"),
)
def _(encode: Any, value: Any) -> Any:
    """Count the dicts of a payload, and not what JSON needs for those whose keys are no text."""
    form, levels = encode("bottom"), 0
    while isinstance(value, dict) and "inside" in value:
        value, levels = value["inside"], levels + 1
    for _ in range(levels):
        form = FrozenDict({"$map": FrozenList([FrozenList(["inside", form]), FrozenList([1, None])])})
    return form if levels else encode(value)


@SABOTEURS.row("errors-in-other-words", ("envelope.error-class",), PAYLOAD, by=payload_with)
def _(record: Any, payload: Any) -> None:
    if record.type == "flow_failed":
        put(payload, "error", "something went wrong")


SABOTEURS.add("errors-of-another-class", ("envelope.error-class",), PAYLOAD, _with_error_type("Exception"))


@SABOTEURS.row("local-timestamps", ("envelope.timestamp-utc",), FIELDS, by=fields_with)
def _(frame: StreamFrame) -> dict[str, Any]:
    return {"timestamp": frame.timestamp.astimezone(timezone(timedelta(hours=2)))}


SABOTEURS.add(
    "payloads-open-to-update",
    ("envelope.immutable",),
    "harness.frames.frozen:FrozenDict.update",
    lambda closed: dict.update,
    shown_by=("payload/tree/sync", "payload/tree/async"),
)


@SABOTEURS.row("payloads-open-to-change", ("envelope.immutable",), PAYLOAD, by=making)
def _(payload_of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    shared: dict[Any, Any] = {}

    def broken(record: Any) -> Any:
        payload = payload_of(record)
        return shared.setdefault(record, dict(payload) if isinstance(payload, dict) else payload)

    return broken


@SABOTEURS.row(
    "failures-republished",
    ("envelope.id-unique",),
    FIELDS,
    {"order.previous-earlier": "the end of a turn that failed names it as the one before"},
    by=fields_with,
    shown_by=("vocabulary/rare/sync", "vocabulary/rare/async"),
)
def _(frame: StreamFrame) -> dict[str, Any]:
    return {"id": f"{frame.id}-again"} if frame.type == "flow_failed" else {}


@SABOTEURS.row(
    "text-of-models-alone",
    ("envelope.content-text",),
    "harness.frames.frame:StreamFrame.content",
    by=reading,
    shown_by=("payload/text/sync",),
)
def _(content: Callable[[Any], Any], frame: StreamFrame) -> Any:
    return content(frame) if frame.channel == "llm" else ""


@SABOTEURS.row(
    "results-as-they-are",
    ("envelope.data-json",),
    PAYLOAD,
    by=payload_with,
    shown_by=("result/value/objects/sync",),
)
def _(record: Any, payload: Any) -> None:
    """Leave what is no JSON in the results of methods, as an encoder of events alone does."""
    result = payload.get("result")
    if isinstance(result, dict) and "bytes" in result:
        put(payload, "result", {**result, "bytes": b"\xff"})
