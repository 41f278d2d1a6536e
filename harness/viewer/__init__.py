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

__all__ = ["BrokenClause", "TimelineJudge", "ViewedRun", "render_beside", "render_viewer", "runs_of", "viewed_runs"]
