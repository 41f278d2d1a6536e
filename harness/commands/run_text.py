"""The text of a run as it comes: the answer on its own stream, and what the model thinks and asks for apart from it."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import IO, Final, Literal

from harness.commands.output import tell

#: Until then, a run that says nothing is waited for without a word.
_MOMENT_S: Final = 1.0


class RunText:
    """Writes the answer to `out`, and all else to stderr, in lines of its own where both are one terminal."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._last: Literal["text", "thinking", "tool"] | None = None
        self._silent: threading.Timer | None = None

    @contextlib.contextmanager
    def watch(self, name: str) -> Iterator[None]:
        """Say what is running where nothing of it comes for a moment, and somebody watches."""
        if not sys.stderr.isatty():
            yield
            return
        self._silent = threading.Timer(_MOMENT_S, tell, (f"running {name} …",))
        self._silent.daemon = True
        self._silent.start()
        try:
            yield
        finally:
            self._silent.cancel()

    def text(self, text: str) -> None:
        """Show a piece of the answer."""
        self._end_wait()
        if self._last == "thinking":
            tell("")
        self._last = "text"
        tell(text, nl=False, lines=True, file=self._out)

    def aside(self, kind: Literal["thinking", "tool", "call"], text: str) -> None:
        """Show a piece of the reasoning, or the tools that a call asks for; the text of another call has a line of its own."""
        if kind != "call":
            self._end_wait()
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

    def _end_wait(self) -> None:
        if self._silent is not None:
            self._silent.cancel()

    def _end_line(self) -> None:
        if self._last == "thinking":
            tell("")
        elif self._last == "text" and self._out.isatty() and sys.stderr.isatty():
            tell("", file=self._out)
