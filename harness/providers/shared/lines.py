"""An answer whose stream is lines of JSON, put together from bytes that end anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.llm.output.parts import Part
from harness.providers.shared.answer import SSEAnswer, read_json
from harness.providers.shared.failure import failure_in


class LinesAnswer(SSEAnswer):
    """One answer in lines, each an event, or whole. Its last line says so: then `done` is set, and nothing more is read."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        #: A line that has begun.
        self._line = b""

    def piece(self, piece: bytes) -> Iterator[Part]:
        *whole, self._line = (self._line + piece).split(b"\n")
        for line in whole:
            yield from self._take(line)

    def end(self) -> Iterator[Part]:
        rest = self._line.strip()
        try:
            read_json(rest or b"{}")
        except ValueError:
            if self.done:
                return
            if not self._has_events and rest[:1] != b"{":
                self.refuse_body(rest, "no JSON")
            shown = rest.decode("utf-8", "replace")[:200]
            raise self.cut(f"ended before its end marker, in the middle of {shown!r}")
        else:
            # The last line's end may be missing.
            yield from self._take(rest)

    def whole(self, sent: bytes) -> Iterator[Part]:
        try:
            read_json(sent)
        except ValueError:
            if b"\n" not in sent.strip():
                self.refuse_body(sent, "no JSON")
            # Some servers stream whatever they are asked for.
            yield from self.piece(sent)
            yield from self.end()
        else:
            yield from self._take(sent)

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
