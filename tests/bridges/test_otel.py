"""OpenTelemetry: the SDK takes the spans, the official protobuf reads the JSON, and the names are the conventions' of today."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from harness.bridges import export_spans, otlp_json, spans_of
from harness.bridges.outcome import COUNTS
from harness.errors import MissingExtraError
from harness.frames.frame import StreamFrame
from tests.bridges.timelines import CREW, frame, recorded

_GEN_AI = re.compile(r'"(gen_ai\.[a-z_.]+)"')


def exported(frames: list[StreamFrame], **options: Any) -> Sequence[ReadableSpan]:
    """Return the spans that an exporter is given, in the order in which they began."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    made = export_spans(frames, provider, **options)
    spans = exporter.get_finished_spans()
    assert len(spans) == len(made)
    return spans


def convention_names() -> set[str]:
    """Return the names of attributes that the official helper package writes, and those that the constants say have moved."""
    places = [
        importlib.util.find_spec(name)
        for name in ("opentelemetry.util.genai", "opentelemetry.semconv._incubating.attributes")
    ]
    folders = [
        Path(place.submodule_search_locations[0]) for place in places if place and place.submodule_search_locations
    ]
    names = {name for path in folders[0].rglob("*.py") for name in _GEN_AI.findall(path.read_text("utf-8"))}
    constants = (folders[1] / "gen_ai_attributes.py").read_text("utf-8")
    # What has been replaced or removed says so; the rest has only moved to the conventions' own repository.
    moved = re.findall(r'Final = "(gen_ai\.[a-z_.]+)"\n"""\nDeprecated: Moved to', constants)
    assert len(moved) > 30
    # The helper writes this one, and the constants know its name of yesterday alone.
    return names | set(moved) - {"gen_ai.usage.cache_creation.input_tokens"}


def check(frames: list[StreamFrame]) -> None:
    """Fail where a span ends before it begins or comes before the one around it, or the SDK or the JSON has not all."""
    spans = spans_of(frames, content=True)
    assert bool(spans) == bool(frames)
    for number, span in enumerate(spans):
        assert 0 <= span.start_ns <= span.end_ns
        assert span.parent is None or span.parent in spans[:number]
    assert len(exported(frames, content=True)) == len(spans)
    assert len(otlp_json(frames, content=True)["resourceSpans"][0]["scopeSpans"][0]["spans"]) == len(spans)


def test_every_recording_is_spans_with_the_names_of_today() -> None:
    known = convention_names()
    assert "gen_ai.usage.cache_write.input_tokens" in known
    used: set[str] = set()
    for name, frames in recorded().items():
        spans = exported(frames, content=True, provider="gemini")
        assert len(spans) == sum(one.type.endswith("_started") for one in frames), name
        for span in spans:
            used |= {key for key in span.attributes or {} if key.startswith("gen_ai.")}
    assert len(used) > 15
    assert used - known == set()


def test_a_recording_without_content_tells_nothing_that_was_said() -> None:
    for name, frames in recorded().items():
        told = str(otlp_json(frames))
        said = [one.data["response"] for one in frames if one.type == "llm_call_completed"]
        said += [
            message["content"]
            for one in frames
            if one.type == "llm_call_started"
            for message in one.data["messages"] or ()
        ]
        assert not any(isinstance(text, str) and len(text) > 12 and text in told for text in said), name


CALLED = [
    frame(1, "conversation_turn_started", session_id="s", flow_name="Chat"),
    frame(2, "method_execution_started", "f1", method_name="answer"),
    frame(3, "agent_execution_started", "f2", agent_role="Writer"),
    frame(
        4, "llm_call_started", "f3", call_id="c", model="m", temperature=0.5, stream=True, messages="Why?", max_tokens=9
    ),
    frame(9, "llm_thinking_chunk", "f4", call_id="c", chunk="hm"),
    frame(10, "llm_stream_chunk", "f4", call_id="c", chunk="So."),
    frame(11, "tool_usage_started", "f4", tool_name="look", tool_args={"at": 1}),
    frame(12, "tool_usage_error", "f4", tool_name="look", error="fog", error_type="OSError", started_event_id="f11"),
    frame(
        14,
        "llm_call_completed",
        "f3",
        call_id="c",
        response="So.",
        response_id="r",
        finish_reason="stop",
        usage=dict(zip(COUNTS, (7, 2, 9, 1, 3, 1), strict=True)),
        started_event_id="f4",
    ),
    frame(15, "conversation_route_selected", "f2", route="a"),
    frame(16, "method_execution_failed", "f1", error="no", error_type="ValueError", started_event_id="f2"),
    frame(17, "conversation_turn_failed", session_id="s", error="no", started_event_id="f1"),
]


def test_a_run_is_a_trace_with_the_times_at_which_things_happened() -> None:
    spans = {span.name: span for span in exported(CALLED, provider="bedrock")}
    assert list(spans) == [
        "invoke_workflow Chat",
        "method answer",
        "invoke_agent Writer",
        "chat m",
        "execute_tool look",
    ]
    turn, method, agent, call, tool = spans.values()
    assert len({span.context.trace_id for span in spans.values()}) == 1
    assert turn.parent is None
    for inner, outer in ((method, turn), (agent, method), (call, agent), (tool, call)):
        assert inner.parent is not None
        assert inner.parent.span_id == outer.context.span_id
    assert call.end_time is not None
    assert call.start_time is not None
    assert call.end_time - call.start_time == 10_000_000
    assert call.kind is SpanKind.CLIENT
    assert tool.kind is SpanKind.INTERNAL
    assert dict(call.attributes or {}) == {
        "gen_ai.conversation.id": "s",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.time_to_first_chunk": 0.005,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.id": "r",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.cache_write.input_tokens": 1,
        "gen_ai.usage.reasoning.output_tokens": 1,
    }
    assert (tool.status.status_code, tool.status.description) == (StatusCode.ERROR, "fog")
    assert (tool.attributes or {})["error.type"] == "OSError"
    assert (turn.attributes or {})["error.type"] == "_OTHER"
    # An agent that was cut off by what is around it did not fail by itself.
    assert agent.status.status_code is StatusCode.UNSET
    assert [event.name for event in method.events] == ["conversation_route_selected"]


def test_an_agents_calls_and_tools_are_in_its_span() -> None:
    spans = {span.name: span for span in exported(CREW)}
    assert list(spans) == [
        "invoke_workflow F",
        "invoke_workflow Crew",
        "task write",
        "invoke_agent Writer",
        "chat m",
        "execute_tool Get tide",
    ]
    agent, tool = spans["invoke_agent Writer"], spans["execute_tool Get tide"]
    assert dict(agent.attributes or {}) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "Writer",
        "gen_ai.agent.id": "a",
        "error.type": "_OTHER",
    }
    assert dict(tool.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "Get tide",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "t",
        "gen_ai.agent.name": "Writer",
    }
    assert tool.parent is not None
    assert tool.parent.span_id == agent.context.span_id


def test_content_is_told_where_it_is_asked_for() -> None:
    spans = {span.name: dict(span.attributes or {}) for span in exported(CALLED, content=True)}
    assert spans["chat m"]["gen_ai.input.messages"] == '[{"role":"user","parts":[{"type":"text","content":"Why?"}]}]'
    assert spans["chat m"]["gen_ai.output.messages"] == (
        '[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"text","content":"So."}],"finish_reason":"stop"}]'
    )
    assert spans["execute_tool look"]["gen_ai.tool.call.arguments"] == '{"at":1}'


def test_without_opentelemetry_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'stream-harness[otel]'")):
        export_spans(CALLED, provider)
    assert otlp_json(CALLED)


def test_a_span_around_may_be_the_users_own() -> None:
    from opentelemetry.trace import set_span_in_context

    provider = TracerProvider(shutdown_on_exit=False)
    around = provider.get_tracer("mine").start_span("request")
    (turn, *_) = export_spans(CALLED, provider, context=set_span_in_context(around))
    assert turn.get_span_context().trace_id == around.get_span_context().trace_id


def test_the_json_is_read_by_the_official_protobuf() -> None:
    document = otlp_json(CALLED)
    # The encoding differs from protobuf's own in that ids are hexadecimal, which the parser would take for base64.
    request = json_format.ParseDict(document, trace.ExportTraceServiceRequest())
    spans = request.resource_spans[0].scope_spans[0].spans
    assert [span.name for span in spans] == [span.name for span in spans_of(CALLED)]
    assert (
        json_format.MessageToDict(request)["resourceSpans"][0]["scopeSpans"][0]["spans"][3]["kind"]
        == "SPAN_KIND_CLIENT"
    )


@pytest.mark.parametrize(("seed", "is_told"), [(2**63 - 1, True), (2**63, False)])
def test_an_integer_is_told_that_the_protocol_can_hold(seed: int, is_told: bool) -> None:
    document = otlp_json([frame(1, "llm_call_started", call_id="c", model="m", seed=seed)])
    json_format.ParseDict(document, trace.ExportTraceServiceRequest())
    assert (str(seed) in str(document)) == is_told


def test_the_ids_of_the_json_are_valid_and_lead_to_each_other() -> None:
    spans = otlp_json(CALLED)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans)
    assert all(
        re.fullmatch("[0-9a-f]{16}", span["spanId"]) and re.fullmatch("[0-9a-f]{32}", span["traceId"]) for span in spans
    )
    assert [by_id[span["parentSpanId"]]["name"] for span in spans[1:]] == [span["name"] for span in spans[:-1]]
    assert spans == otlp_json(CALLED)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (
        spans[0]["traceId"]
        != otlp_json(CALLED, seed="other")["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]
    )
