"""Checks of the clauses `envelope.*`: one frame by itself. That it can't be changed has its own file, `immutability`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import fields as dataclass_fields, is_dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from msgspec import Struct

from conformance.areas.envelope.immutability import immutable
from conformance.areas.envelope.json_form import not_json
from conformance.timeline.check import Check, has_frames
from conformance.timeline.evidence import AnyFrame, Evidence
from conformance.timeline.expected import Breach, shown
from conformance.timeline.vocabulary import FAILURES

FIELDS = ("id", "seq", "type", "channel", "namespace", "timestamp", "parent_id", "previous_id", "data")
_fields_of = attrgetter(*FIELDS)
_ENVELOPE_ONLY = ("timestamp", "type", "event_id", "parent_event_id", "previous_event_id", "emission_sequence")
#: What an id or a payload is, as a rule, comes first: the general kind takes ten times as long to ask for.
_IDS = (str, type(None), Hashable)
_MAPPINGS = (dict, Mapping)
#: What fails with the very error that the run fails with.
_OF_RUN = ("flow_failed", "conversation_turn_failed")
#: Payload keys of built-in types whose value is a time.
_TIMES = ("started_at", "finished_at", "requested_at")


def fields(evidence: Evidence) -> Iterator[Breach]:
    for place, frame in enumerate(evidence.frames, 1):
        number = getattr(frame, "seq", None)
        seq = number if isinstance(number, int) else None
        try:
            wrong = _of_wrong_type(frame)
        except AttributeError:
            wrong = None
            yield seq, f"frame {place} has no {', '.join(name for name in FIELDS if not hasattr(frame, name))}"
        more = _declared(frame).difference(FIELDS) | ({"version"} if hasattr(frame, "version") else set())
        if more:
            yield seq, f"frame {place} has more fields than the envelope: {', '.join(sorted(more))}"
        if wrong:
            yield seq, f"frame {place} has {wrong}"


def readable(frame: AnyFrame) -> bool:
    """Return whether `frame` has the shape on which every other check relies."""
    try:
        wrong = _of_wrong_type(frame)
    except AttributeError:
        return False
    return wrong is None and hasattr(frame, "event") and hasattr(frame, "content")


def _declared(frame: object) -> set[str]:
    """Return the names of the fields that the frame's class declares, and of what a frame carries beyond them."""
    cls = type(frame)
    extra = getattr(frame, "__pydantic_extra__", None) or {}
    if hasattr(cls, "model_fields"):
        return {*cls.model_fields, *extra}
    if is_dataclass(frame):
        return {field.name for field in dataclass_fields(frame)}
    if isinstance(frame, Struct):
        return {*frame.__struct_fields__}
    return {name for name in getattr(frame, "__dict__", {}) if not name.startswith("_")}


def _of_wrong_type(frame: AnyFrame) -> str | None:
    values: Mapping[str, Any] = dict(zip(FIELDS, _fields_of(frame), strict=True))
    for name in ("id", "parent_id", "previous_id"):
        if not isinstance(values[name], _IDS):
            return f"an {name} that is no text: {values[name]!r}"
    for name in ("type", "channel"):
        if not isinstance(values[name], str):
            return f"a {name} that is no text: {values[name]!r}"
    if not isinstance(values["namespace"], (list, tuple)):
        return f"a namespace that is no sequence: {values['namespace']!r}"
    if not isinstance(values["data"], _MAPPINGS):
        return f"data that is no mapping: {values['data']!r}"
    return None


def id_unique(evidence: Evidence) -> Iterator[Breach]:
    uses: Counter[object] = Counter()
    # A listener need not hear of what is of a class that is made in the run.
    known = None if evidence.source_types is None else evidence.source_types.keys() | evidence.user_events
    for frame in evidence.frames:
        frame_id: object = frame.id  # whatever a foreign frame has there
        uses[frame_id] += 1
        if not isinstance(frame_id, str) or not frame_id:
            yield frame.seq, f"the id of {frame.type} is {frame_id!r}, not a non-empty text"
        elif uses[frame_id] > 1:
            yield frame.seq, f"the id {frame.id!r} of {frame.type} was used by an earlier frame"
        elif known is not None and frame.id not in known:
            yield frame.seq, f"the id {frame.id!r} of {frame.type} is no source event's"


def type_verbatim(evidence: Evidence) -> Iterator[Breach]:
    for frame in evidence.frames:
        source = (evidence.source_types or {}).get(frame.id)
        if source is not None and source != frame.type:
            yield frame.seq, f"the event {frame.id!r} has the type {source!r}, its frame {frame.type!r}"


def event_alias(evidence: Evidence) -> Iterator[Breach]:
    for frame in evidence.frames:
        if frame.event != frame.data:
            yield frame.seq, f"event and data of {frame.type} differ"


def content_text(evidence: Evidence) -> Iterator[Breach]:
    """`content` and `str` give the printable text, and nothing for frames that have none."""
    for frame in evidence.frames:
        payload = frame.data
        chunk = payload.get("chunk")
        expected = chunk if isinstance(chunk, str) and payload.get("call_type") != "tool_call" else ""
        if frame.content != expected:
            yield frame.seq, f"the content of {frame.type} is {frame.content!r}, not {expected!r}"
        try:
            text = str(frame)
        except Exception as error:
            yield frame.seq, f"str() of {frame.type} raised {shown(error)}"
        else:
            if text != expected:
                yield frame.seq, f"str() of {frame.type} is {_shortened(text)!r}, not {expected!r}"


def data_clean(evidence: Evidence) -> Iterator[Breach]:
    for frame in evidence.frames:
        repeated = [name for name in _ENVELOPE_ONLY if name in frame.data]
        if repeated:
            yield frame.seq, f"data of {frame.type} repeats {', '.join(repeated)}"


def data_json(evidence: Evidence) -> Iterator[Breach]:
    """The payload is JSON, and a frame that can dump and load itself comes back equal."""
    for frame in evidence.frames:
        wrong = False
        for path, reason in not_json(frame.data):
            wrong = True
            yield frame.seq, f"data{path} of {frame.type} is {reason}"
        if not wrong and (lost := _lost_by_reload(frame)):
            yield frame.seq, f"{frame.type} does not survive dump and load: {lost}"


def _lost_by_reload(frame: AnyFrame) -> str | None:
    dump: Callable[[], str] | None = getattr(frame, "model_dump_json", None)
    load: Callable[[str], object] | None = getattr(frame, "model_validate_json", None)
    if dump is None or load is None:
        return None
    try:
        return None if load(dump()) == frame else "it comes back changed"
    except Exception as error:
        return f"{type(error).__name__}: {_shortened(str(error))}"


def timestamp_utc(evidence: Evidence) -> Iterator[Breach]:
    for frame in evidence.frames:
        if wrong := not_utc(frame.timestamp):
            yield frame.seq, f"the timestamp of {frame.type} is {wrong}"
        for name in _TIMES:
            value = frame.data.get(name)
            if value is not None and frame.channel != "custom" and (wrong := not_utc(moment_of(value))):
                yield frame.seq, f"data.{name} of {frame.type} is {wrong}"


def moment_of(value: object) -> object:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def not_utc(value: object) -> str | None:
    if not isinstance(value, datetime):
        return f"no time: {value!r}"
    if value.utcoffset() is None:
        return f"naive: {value.isoformat()}"
    return None if value.utcoffset() == timedelta(0) else f"not UTC: {value.isoformat()}"


def error_class(evidence: Evidence) -> Iterator[Breach]:
    """A failure names its error's text and class, which the consumer knows of what ended the run."""
    raised = evidence.outcome.error if evidence.outcome is not None else None
    own = raised if raised is not None and raised.__cause__ is None else None
    methods: dict[Any, AnyFrame] = {}
    for frame in evidence.frames:
        if frame.type not in FAILURES:
            continue
        text, name = frame.data.get("error"), frame.data.get("error_type")
        if not isinstance(text, str):
            yield frame.seq, f"{frame.type} has no text of its error in data.error"
        if not isinstance(name, str) or not name:
            yield frame.seq, f"{frame.type} has no class name of its error in data.error_type"
            continue
        if own is not None and frame.type in _OF_RUN and frame.parent_id is None:
            if name != type(own).__name__:
                yield frame.seq, f"{frame.type} names the class {name!r} for its error, a {type(own).__name__}"
            if _text_of(own) not in str(text):
                yield frame.seq, f"{frame.type} has the text {text!r} of its error: {_text_of(own)!r}"
        if frame.type == "method_execution_failed":
            methods[name] = frame
    if own is not None and methods and type(own).__name__ not in methods:
        name, frame = methods.popitem()
        yield (
            frame.seq,
            f"{frame.type} names the class {name!r}, and no method that of the run's error, {type(own).__name__}",
        )


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""  # one that can't say anything


def _shortened(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:120]}…"


def _saw_sources(evidence: Evidence) -> bool:
    return any(frame.id in (evidence.source_types or ()) for frame in evidence.frames)


CHECKS = (
    Check("envelope.fields", fields, has_frames, of_every_run=True),
    Check("envelope.id-unique", id_unique, has_frames, of_every_run=True),
    Check("envelope.type-verbatim", type_verbatim, _saw_sources),
    Check("envelope.event-alias", event_alias, has_frames, of_every_run=True),
    Check("envelope.content-text", content_text, has_frames, of_every_run=True),
    Check("envelope.data-clean", data_clean, has_frames, of_every_run=True),
    Check("envelope.data-json", data_json, has_frames, of_every_run=True),
    Check("envelope.timestamp-utc", timestamp_utc, has_frames, of_every_run=True),
    Check("envelope.immutable", immutable, lambda evidence: bool(evidence.replayed), of_every_run=True),
    Check("envelope.error-class", error_class, lambda evidence: any(each.type in FAILURES for each in evidence.frames)),
)
