"""Sessions: one run, read through any number of projections, sync and async."""

from __future__ import annotations

from harness.session.session import AsyncStreamSession, StreamSession

__all__ = ["AsyncStreamSession", "StreamSession"]
