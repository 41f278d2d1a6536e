"""Timelines in other protocols: pure translators from frames, fed one by one or all at once."""

from __future__ import annotations

from harness.bridges.agui import CUSTOM_PREFIX, AguiTranslator, agui_events
from harness.bridges.agui_timeline import agui_frames
from harness.bridges.openai_chat import OPENAI_DONE, OpenAIChatTranslator, openai_chat_events
from harness.bridges.otel import TracedSpan, TracedTimeline, export_spans, otlp_json, spans_of
from harness.bridges.perfetto import PerfettoTranslator, perfetto_trace
from harness.bridges.texts import sse_text
from harness.bridges.vercel import VERCEL_DONE, VERCEL_HEADERS, VercelTranslator, vercel_events

__all__ = [
    "CUSTOM_PREFIX",
    "OPENAI_DONE",
    "VERCEL_DONE",
    "VERCEL_HEADERS",
    "AguiTranslator",
    "OpenAIChatTranslator",
    "PerfettoTranslator",
    "TracedSpan",
    "TracedTimeline",
    "VercelTranslator",
    "agui_events",
    "agui_frames",
    "export_spans",
    "openai_chat_events",
    "otlp_json",
    "perfetto_trace",
    "spans_of",
    "sse_text",
    "vercel_events",
]
