"""Makes Tern's recordings anew: `python -m tests.tern.authoring`."""

from __future__ import annotations

from pathlib import Path
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

if __name__ == "__main__":
    for folder, target in TARGETS.items():
        recorded_in = Path(__file__).parent / "recordings" / folder
        Authored("tern", f"tests.tern.targets:{target}", recorded_in, TernServer).record()
