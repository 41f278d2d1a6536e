"""Sessions on the web: their frames as server-sent events, resumed at every frame, and a page that shows them.

Reads sessions and frames only; no runtime module imports it. Needs the extra `web`.
"""

from __future__ import annotations

from importlib.util import find_spec

from harness.errors import MissingExtraError

if find_spec("starlette") is None or find_spec("sse_starlette") is None:
    raise MissingExtraError("serving sessions needs Starlette and sse-starlette: pip install 'stream-harness[web]'")

from harness.web.app import create_app
from harness.web.response import SessionResponse, sse
from harness.web.runs import Runs, StoreFullError

__all__ = ["Runs", "SessionResponse", "StoreFullError", "create_app", "sse"]
