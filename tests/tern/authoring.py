"""Makes Tern's recordings anew: `python -m tests.tern.authoring`."""

from __future__ import annotations

from typing import Final

from tests.authoring import Authored
from tests.tern.server import TernServer

#: Folder → target.
TARGETS: Final = {
    "text": "text",
    "async_text": "async_text",
    "tool_call": "tool_call",
    "two_tool_calls": "two_tool_calls",
    "refused": "refused",
    "not_streamed": "NotStreamed",
}
TERN: Final = Authored("tests/tern", TernServer, TARGETS, "recordings")

if __name__ == "__main__":
    TERN.record()
