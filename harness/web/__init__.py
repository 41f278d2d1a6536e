"""Sessions on the web: their frames as server-sent events, resumed at every frame, and a page that shows them.

Reads sessions and frames only; no runtime module imports it. Needs the extra `web`.
"""

from __future__ import annotations

from harness.errors import MissingExtraError

try:
    import sse_starlette as _sse_starlette  # noqa: F401 - each module below needs it
    import starlette as _starlette  # noqa: F401
except ImportError as missing:
    raise MissingExtraError(
        "serving sessions needs Starlette and sse-starlette: pip install 'stream-harness[web]'"
    ) from missing

from harness.web.app import create_app
from harness.web.response import SessionResponse, sse
from harness.web.runs import Runs, StoreFullError

__all__ = ["Runs", "SessionResponse", "StoreFullError", "create_app", "sse"]
