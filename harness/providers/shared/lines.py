"""An answer whose stream is lines of JSON, put together from bytes that end anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from harness.llm.output.parts import Part
from harness.providers.shared.answer import SSEAnswer, read_json
from harness.providers.shared.sse import BOM, KEPT


class LinesDecoder:
    """Takes a body piece by piece, and gives each line as an event of no name.

    A body whose first line is no JSON is no lines of it, and all of it is stray.
    """

    def __init__(self) -> None:
        #: The pieces of a line that has begun.
        self._line: list[bytes] = []
        self._begun = False
        self._stray = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[str, bytes]]:
        if self._stray:
            self._stray += piece[: max(0, KEPT - len(self._stray))]
            return
        *whole, begun = piece.split(b"\n")
        if whole:
            whole[0] = self.line + whole[0]
            self._line = []
        self._line.append(begun)
        for number, line in enumerate(whole):
            if not (self._begun or _is_json(line)):
                self._stray += b"\n".join((*whole[number:], self.line))
                return
            if line.strip():
                self._begun = True
                yield "", line.removeprefix(BOM)

    @property
    def line(self) -> bytes:
        """A line that lacks its end."""
        return b"".join(self._line)

    @property
    def stray(self) -> bytes:
        return bytes(self._stray)

    def rest(self) -> bytes:
        """Return the line that lacks its end; it is stray where it is the first."""
        if self._begun:
            return self.line
        self._stray += b"" if self._stray else self.line
        return b""


class LinesAnswer(SSEAnswer):
    """One answer in lines, each an event, or whole. Its last line says so: then `done` is set, and nothing more is read."""

    decoder = LinesDecoder

    def refuse_failure(self, sent: Any, *, named: bool = False) -> None:
        if isinstance(sent, dict) and sent.get("error") and isinstance(sent.get("message"), dict):
            # The message beside it is one of the conversation, and says nothing of the failure.
            sent = {"error": sent["error"]}
        super().refuse_failure(sent, named=named)

    def end(self) -> Iterator[Part]:
        if _is_json(self._decoder.line):
            # The last line's end may be missing.
            yield from self.piece(b"\n")
        yield from super().end()

    def closing(self, last: bytes) -> Iterable[Part]:
        if last.strip() and not self.done:
            raise self.cut(f"ended before its end marker, in the middle of {last.decode('utf-8', 'replace')[:200]!r}")
        return ()

    def _is_streamed(self, body: bytes) -> bool:
        return b"\n" in body.strip()

    def answer(self, answer: Any) -> Iterable[Part]:
        return self.event(answer)


def _is_json(line: bytes) -> bool:
    """Whether a line is a value of JSON, or blank."""
    try:
        read_json(line.strip().removeprefix(BOM) or b"{}")
    except ValueError:
        return False
    return True
