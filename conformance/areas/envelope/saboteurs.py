"""Saboteurs of the clauses `envelope.*`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from conformance.proof.frames import FIELDS, PAYLOAD, fields_with, payload_with, put
from conformance.proof.saboteur import Saboteurs, changing, reading
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
    "envelope.fields",
    FIELDS,
    {"envelope.data-json": "a frame with more than its model allows can't be loaded"},
    by=fields_with,
)
def frames_with_a_version(frame: StreamFrame) -> dict[str, Any]:
    return {"__pydantic_extra__": {"version": "v1"}}


@SABOTEURS.row(
    "envelope.id-unique",
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
def last_id_repeated(frame: StreamFrame) -> dict[str, Any]:
    # The last frame of all: no later one refers to its id.
    last = frame.type == "flow_finished" and frame.parent_id is None
    return {"id": frame.data["started_event_id"]} if last else {}


@SABOTEURS.row(
    "envelope.type-verbatim",
    FIELDS,
    {"session.iterates": "an event is looked for by the type with which it was published"},
    by=fields_with,
)
def failed_renamed_to_error(frame: StreamFrame) -> dict[str, Any]:
    return {"type": frame.type.replace("_failed", "_error")} if frame.channel == "custom" else {}


SABOTEURS.add(
    "event-is-empty", "envelope.event-alias", "harness.frames.frame:StreamFrame.event", reading(lambda event, frame: {})
)


@SABOTEURS.row("envelope.content-text", "harness.frames.frame:StreamFrame.content", by=reading)
def tool_arguments_printed(content: Any, frame: StreamFrame) -> Any:
    chunk = frame.data.get("chunk")
    return chunk if isinstance(chunk, str) else ""


@SABOTEURS.row("envelope.data-clean", PAYLOAD, {"replay.equal": "ids are others in each run"}, by=payload_with)
def event_id_in_data(record: Any, payload: Any) -> None:
    put(payload, "event_id", str(record.event_id))


@SABOTEURS.row("envelope.data-json", "harness.frames.payload:encode", at="payload/bytes/*")
def bytes_not_encoded(encode: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else encode(value)


SABOTEURS.add(
    "payloads-cut-at-five-levels",
    "envelope.data-json",
    "harness.frames.payload:encode",
    changing(_cut),
    at="payload/deep-150/*",
)


SABOTEURS.add("errors-without-a-class", "envelope.error-class", PAYLOAD, _with_error_type(None))


@SABOTEURS.row("envelope.timestamp-utc", "harness.frames.payload:encode", at="payload/naive-time/*")
def naive_times_local(encode: Any, value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=timezone(timedelta(hours=2))).isoformat()
    return encode(value)


@SABOTEURS.row("envelope.timestamp-utc", "harness.frames.payload:encode", at="payload/times-inside/*")
def naive_times_inside(encode: Any, value: Any) -> Any:
    """Leave times that stand inside of something as they are."""
    if isinstance(value, dict) and isinstance(value.get("at"), list):
        value = {"at": [value["at"][0].isoformat(), *value["at"][1:]]}
    return encode(value)


@SABOTEURS.row("envelope.timestamp-utc", "harness.events.base:with_owners", at="event/naive-time/*")
def naive_stamps_local(with_owners: Any, fields: dict[str, Any]) -> Any:
    stamp = fields.get("timestamp")
    if isinstance(stamp, datetime) and stamp.tzinfo is None:
        fields = {**fields, "timestamp": stamp.replace(tzinfo=timezone(timedelta(hours=2)))}
    return with_owners(fields)


@SABOTEURS.row("envelope.data-json", "harness.frames.payload:encode", at="payload/numbered-150/*")
def levels_of_maps_uncounted(encode: Any, value: Any) -> Any:
    """Count the dicts of a payload, and not what JSON needs for those whose keys are no text."""
    form, levels = encode("bottom"), 0
    while isinstance(value, dict) and "inside" in value:
        value, levels = value["inside"], levels + 1
    for _ in range(levels):
        form = FrozenDict({"$map": FrozenList([FrozenList(["inside", form]), FrozenList([1, None])])})
    return form if levels else encode(value)


@SABOTEURS.row("envelope.error-class", PAYLOAD, by=payload_with)
def errors_in_other_words(record: Any, payload: Any) -> None:
    if record.type == "flow_failed":
        put(payload, "error", "something went wrong")


SABOTEURS.add("errors-of-another-class", "envelope.error-class", PAYLOAD, _with_error_type("Exception"))


@SABOTEURS.row("envelope.timestamp-utc", FIELDS, by=fields_with)
def local_timestamps(frame: StreamFrame) -> dict[str, Any]:
    return {"timestamp": frame.timestamp.astimezone(timezone(timedelta(hours=2)))}


SABOTEURS.add(
    "payloads-open-to-update",
    "envelope.immutable",
    "harness.frames.frozen:FrozenDict.update",
    lambda closed: dict.update,
    at="payload/tree/*",
)


@SABOTEURS.row(
    "envelope.id-unique",
    FIELDS,
    {"order.previous-earlier": "the end of a turn that failed names it as the one before"},
    by=fields_with,
    at="vocabulary/rare/*",
)
def failures_republished(frame: StreamFrame) -> dict[str, Any]:
    return {"id": f"{frame.id}-again"} if frame.type == "flow_failed" else {}


@SABOTEURS.row("envelope.content-text", "harness.frames.frame:StreamFrame.content", by=reading, at="payload/text/sync")
def text_of_models_alone(content: Callable[[Any], Any], frame: StreamFrame) -> Any:
    return content(frame) if frame.channel == "llm" else ""


@SABOTEURS.row("envelope.data-json", PAYLOAD, by=payload_with, at="result/value/objects/sync")
def results_as_they_are(record: Any, payload: Any) -> None:
    """Leave what is no JSON in the results of methods, as an encoder of events alone does."""
    result = payload.get("result")
    if isinstance(result, dict) and "bytes" in result:
        put(payload, "result", {**result, "bytes": b"\xff"})
