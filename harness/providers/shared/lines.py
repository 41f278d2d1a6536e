"""An answer whose stream is lines of JSON, put together from bytes that end anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.llm.output.parts import Part
from harness.providers.shared.answer import SSEAnswer, is_whole, read_json
from harness.providers.shared.failure import failure_in
from harness.providers.shared.sse import KEPT


class LinesAnswer(SSEAnswer):
    """One answer in lines, each an event, or whole. Its last line says so: then `done` is set, and nothing more is read.

    A body whose first line is no JSON is no lines of it: it is read as one value, or as the failure that it tells of.
    """

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        #: A line that has begun.
        self._line = b""
        #: A body that is no lines of JSON, as far as it has come.
        self._body = bytearray()

    def piece(self, piece: bytes) -> Iterator[Part]:
        if self._body:
            self._body += piece[: max(0, KEPT - len(self._body))]
            return
        *whole, self._line = (self._line + piece).split(b"\n")
        for number, line in enumerate(whole):
            if not (self._has_events or _is_json(line)):
                self._body += b"\n".join((*whole[number:], self._line))
                return
            yield from self._take(line)

    def end(self) -> Iterator[Part]:
        rest = bytes(self._body or self._line).strip()
        if _is_json(rest):
            # The last line's end may be missing.
            yield from self._take(rest)
        elif not self.done:
            if not self._has_events and (rest[:1] != b"{" or is_whole(rest)):
                self.refuse_body(rest, "no JSON")
            shown = rest.decode("utf-8", "replace")[:200]
            raise self.cut(f"ended before its end marker, in the middle of {shown!r}")

    def whole(self, sent: bytes) -> Iterator[Part]:
        if sent.strip() and _is_json(sent):
            yield from self._take(sent)
            return
        if b"\n" not in sent.strip():
            self.refuse_body(sent, "no JSON")
        # Some servers stream whatever they are asked for.
        yield from self.piece(sent)
        yield from self.end()

    def _take(self, line: bytes) -> Iterator[Part]:
        if self.done or not line.strip():
            return
        event = self._json(line.removeprefix(b"\xef\xbb\xbf"))
        self._has_events = True
        if isinstance(event, dict) and event.get("error") and isinstance(event.get("message"), dict):
            # The message beside it is one of the conversation, and says nothing of the failure.
            raise self.reported(failure_in(event["error"]))
        self.refuse_failure(event)
        yield from self.event(event)

    def answer(self, answer: Any) -> Iterator[Part]:
        yield from self.event(answer)


def _is_json(line: bytes) -> bool:
    """Whether a line is a value of JSON, or blank."""
    try:
        read_json(line.strip() or b"{}")
    except ValueError:
        return False
    return True
