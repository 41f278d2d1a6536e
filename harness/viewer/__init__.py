"""Timelines to look at in a browser: one HTML file that needs nothing else, neither a network nor a server."""

from __future__ import annotations

from harness.viewer.page import (
    BrokenClause,
    TimelineJudge,
    ViewedRun,
    render_beside,
    render_viewer,
    runs_of,
    viewed_runs,
)
from harness.viewer.replayed_run import kept_frames, kept_lines, render_replayed

__all__ = [
    "BrokenClause",
    "TimelineJudge",
    "ViewedRun",
    "kept_frames",
    "kept_lines",
    "render_beside",
    "render_replayed",
    "render_viewer",
    "runs_of",
    "viewed_runs",
]
