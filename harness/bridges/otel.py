"""OpenTelemetry: a timeline as spans of the GenAI conventions, to a tracer provider or as OTLP's JSON.

Each scope is a span, with the times that the frames have; frames that are no scopes are events of the span around them. What
people and models said is left out unless asked for.
Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding (2026-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.bridges.otel_attributes import (
    Attribute,
    ended_attributes,
    input_content,
    name_and_attributes,
    output_content,
)
from harness.bridges.scopes import FrameStep, OpenScopes, PlacedFrame, PlacedScope
from harness.bridges.speech import Speech
from harness.bridges.texts import json_text, name_in, text_of
from harness.errors import MissingExtraError
from harness.frames.stored import FrameLike
from harness.import_path import version_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

#: What a failure is called whose class is not known.
_OTHER: Final = "_OTHER"
_LIBRARY: Final = "stream-harness"


@dataclass
class TracedSpan:
    """A span as both forms have it. Times are nanoseconds since 1970."""

    name: str
    #: Whether it is a call over the network, as those to models are.
    is_client: bool
    start_ns: int
    parent: TracedSpan | None
    #: Unique in the timeline.
    key: str
    attributes: dict[str, Attribute]
    end_ns: int = 0
    #: None where it did not fail, else the error's text.
    error: str | None = None
    #: Name, time and attributes of each.
    events: list[tuple[str, int, dict[str, Attribute]]] = field(default_factory=list)


class TracedTimeline:
    """Takes the frames of a timeline one by one; `end` gives the spans, each after the one around it.

    Total: any frames in any order give spans that end no earlier than they begin. A frame outside of all scopes is an event
    of the last span, or a span of its own where there is none.
    """

    def __init__(self, *, content: bool = False, provider: str | None = None) -> None:
        """Trace with what people and models said, if `content`; calls are to `provider`, a name of this project's or theirs."""
        self._content = content
        self._provider = provider
        self._scopes = OpenScopes()
        self._speech = Speech()
        self._spans: list[TracedSpan] = []
        self._by_scope: dict[PlacedScope, TracedSpan] = {}
        self._thoughts: dict[PlacedScope, list[str]] = {}
        self._now_ns = 0

    def feed(self, frame: FrameLike) -> None:
        """Take the next frame."""
        step = self._scopes.take(frame)
        placed = step.frame
        self._now_ns = max(0, placed.microseconds) * 1_000
        if placed.begins:
            self._close_all()
        # Which call of a model a tool's run belongs to is told by what was said before.
        self._speech.take(step)
        tool = self._speech.used(step)
        for scope in step.left:
            self._close(scope)
        if step.opened is not None:
            self._open(step.opened, None if tool is None else tool.id)
        elif step.closed is not None:
            self._end(step.closed, step)
        elif placed.is_chunk:
            self._chunk(placed)
        else:
            self._event(placed)

    def end(self) -> list[TracedSpan]:
        """Return the spans; those that are still open end with the last frame."""
        self._close_all()
        return self._spans

    def _open(self, scope: PlacedScope, tool_id: str | None) -> None:
        name, attributes = name_and_attributes(scope, self._provider)
        if tool_id is not None:
            attributes["gen_ai.tool.call.id"] = tool_id
        if self._content:
            attributes |= input_content(scope.kind, scope.frame.payload)
        around = None if scope.parent is None else self._by_scope.get(scope.parent)
        span = TracedSpan(name, scope.kind == "call", self._now_ns, around, scope.id, attributes)
        self._by_scope[scope] = span
        self._spans.append(span)

    def _end(self, scope: PlacedScope, step: FrameStep) -> None:
        payload = step.frame.payload
        span = self._by_scope.get(scope)
        if span is not None:
            span.attributes |= ended_attributes(scope.kind, payload)
            if self._content:
                span.attributes |= output_content(scope.kind, payload, "".join(self._thoughts.get(scope, ())))
            if step.ending == "failed":
                span.error = text_of(payload.get("error"))
                span.attributes["error.type"] = name_in(payload.get("error_type")) or _OTHER
        self._close(scope)

    def _close(self, scope: PlacedScope) -> None:
        self._thoughts.pop(scope, None)
        span = self._by_scope.pop(scope, None)
        if span is not None:
            # Clocks may be set back.
            span.end_ns = max(self._now_ns, span.start_ns)

    def _close_all(self) -> None:
        for scope in list(self._by_scope):
            self._close(scope)

    def _chunk(self, frame: PlacedFrame) -> None:
        span = None if frame.scope is None else self._by_scope.get(frame.scope)
        if span is None or frame.scope is None:
            self._event(frame)
            return
        seconds = max(self._now_ns - span.start_ns, 0) / 1e9
        span.attributes.setdefault("gen_ai.response.time_to_first_chunk", seconds)
        if self._content and frame.type == "llm_thinking_chunk":
            self._thoughts.setdefault(frame.scope, []).append(text_of(frame.payload.get("chunk")))

    def _event(self, frame: PlacedFrame) -> None:
        span = None if frame.scope is None else self._by_scope.get(frame.scope)
        attributes: dict[str, Attribute] = {"harness.frame.id": frame.id}
        if self._content:
            attributes["harness.frame.data"] = json_text(frame.details())
        if span is not None or self._spans:
            (span or self._spans[-1]).events.append((frame.type, self._now_ns, attributes))
            return
        self._spans.append(TracedSpan(frame.type, False, self._now_ns, None, frame.unique_id, attributes, self._now_ns))


def spans_of(frames: Iterable[FrameLike], *, content: bool = False, provider: str | None = None) -> list[TracedSpan]:
    """Return the spans of a whole timeline; the options are those of `TracedTimeline`."""
    timeline = TracedTimeline(content=content, provider=provider)
    for frame in frames:
        timeline.feed(frame)
    return timeline.end()


def export_spans(
    frames: Iterable[FrameLike],
    tracer_provider: TracerProvider,
    *,
    content: bool = False,
    provider: str | None = None,
    context: Context | None = None,
) -> list[Span]:
    """Give a timeline's spans to a tracer provider, with the times at which things happened, and return them.

    What stands at the top of the timeline begins a trace, or is a child of what `context` holds. `content` and `provider` are
    those of `TracedTimeline`.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
    except ImportError as error:
        raise MissingExtraError(
            "exporting spans needs OpenTelemetry, which is not installed; pip install 'stream-harness[otel]'"
        ) from error
    tracer = tracer_provider.get_tracer(_LIBRARY, version_of(_LIBRARY))
    made: dict[int, Span] = {}
    top = Context() if context is None else context
    for traced in spans_of(frames, content=content, provider=provider):
        span = made[id(traced)] = tracer.start_span(
            traced.name,
            top if traced.parent is None else set_span_in_context(made[id(traced.parent)], top),
            SpanKind.CLIENT if traced.is_client else SpanKind.INTERNAL,
            traced.attributes,
            start_time=traced.start_ns,
        )
        for name, moment_ns, attributes in traced.events:
            span.add_event(name, attributes, moment_ns)
        if traced.error is not None:
            span.set_status(Status(StatusCode.ERROR, traced.error))
        span.end(traced.end_ns)
    return list(made.values())


def otlp_json(
    frames: Iterable[FrameLike],
    *,
    content: bool = False,
    provider: str | None = None,
    service: str = _LIBRARY,
    seed: str = "",
) -> dict[str, Any]:
    """Return a timeline as one OTLP request in JSON, which collectors take; needs no OpenTelemetry.

    The same frames have the same ids; those of recordings, whose frames are all called alike, differ by a `seed`. `service` is
    the resource's `service.name`.
    """
    spans = []
    traces: dict[int, str] = {}
    for traced in spans_of(frames, content=content, provider=provider):
        above = traced.parent
        trace = traces[id(traced)] = _id(traced, seed, 16) if above is None else traces[id(above)]
        spans.append(_otlp_span(traced, trace, seed))
    library = {"name": _LIBRARY, "version": version_of(_LIBRARY)}
    resource = {"attributes": _otlp_attributes({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": library, "spans": spans}]}]}


def _otlp_span(traced: TracedSpan, trace: str, seed: str) -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": trace,
        "spanId": _id(traced, seed, 8),
        "name": traced.name,
        # As numbers, which is how this encoding writes enumerations: INTERNAL and CLIENT, UNSET and ERROR.
        "kind": 3 if traced.is_client else 1,
        "startTimeUnixNano": str(traced.start_ns),
        "endTimeUnixNano": str(traced.end_ns),
        "attributes": _otlp_attributes(traced.attributes),
        "events": [
            {"timeUnixNano": str(moment), "name": name, "attributes": _otlp_attributes(attributes)}
            for name, moment, attributes in traced.events
        ],
        "status": {} if traced.error is None else {"code": 2, "message": traced.error},
    }
    return span if traced.parent is None else span | {"parentSpanId": _id(traced.parent, seed, 8)}


def _id(traced: TracedSpan, seed: str, size: int) -> str:
    seeded = json_text([seed, size, traced.key, traced.start_ns, traced.name])
    return hashlib.sha256(seeded.encode(), usedforsecurity=False).hexdigest()[: 2 * size]


def _otlp_attributes(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _otlp_value(value)} for name, value in attributes.items()]


def _otlp_value(value: Attribute) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        # 64-bit integers are texts in JSON.
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_otlp_value(item) for item in value]}}
    return {"stringValue": value}
