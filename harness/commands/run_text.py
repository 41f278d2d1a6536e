"""The text of a run as it comes: the answer on its own stream, and what the model thinks and asks for apart from it."""

from __future__ import annotations

import sys
from typing import IO, Literal

from harness.commands.output import tell


class RunText:
    """Writes the answer to `out`, and all else to stderr, in lines of its own where both are one terminal."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._last: Literal["text", "thinking", "tool"] | None = None

    def text(self, text: str) -> None:
        """Show a piece of the answer."""
        if self._last == "thinking":
            tell("")
        self._last = "text"
        tell(text, nl=False, lines=True, file=self._out)

    def aside(self, kind: Literal["thinking", "tool", "call"], text: str) -> None:
        """Show a piece of the reasoning, or the tools that a call asks for; the text of another call has a line of its own."""
        if kind == "call":
            if self._last == "text":
                tell("", file=self._out)
                self._last = None
            return
        if kind == "tool":
            self._end_line()
            tell(f"tool: {text}")
        else:
            if self._last != "thinking":
                self._end_line()
                tell("thinking: ", nl=False)
            tell(text, nl=False, lines=True)
        self._last = kind

    def _end_line(self) -> None:
        if self._last == "thinking":
            tell("")
        elif self._last == "text" and self._out.isatty() and sys.stderr.isatty():
            tell("", file=self._out)
