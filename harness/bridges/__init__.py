"""Timelines in other protocols: pure translators from frames, fed one by one or all at once."""

from __future__ import annotations

from harness.bridges.agui import AguiTranslator, agui_events
from harness.bridges.agui_timeline import agui_frames
from harness.bridges.sse import sse_text
from harness.bridges.vercel import VERCEL_DONE, VERCEL_HEADERS, VercelTranslator, vercel_events

__all__ = [
    "VERCEL_DONE",
    "VERCEL_HEADERS",
    "AguiTranslator",
    "VercelTranslator",
    "agui_events",
    "agui_frames",
    "sse_text",
    "vercel_events",
]
