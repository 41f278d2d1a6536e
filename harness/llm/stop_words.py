"""Answers end at stop words, whether or not their provider knows of any: the words, and what follows them, are cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from harness.llm.output.parts import Finish, Part, TextDelta, ThinkingDelta, ToolCallDelta

_AFTER_TEXT: Final = (Finish, ThinkingDelta, ToolCallDelta)


class StopWords:
    """Takes the parts of one answer, and gives those that stand before its first stop word.

    Text that may be the beginning of a word waits for what follows it. Nothing but text is cut: usage, calls and the end
    marker come through.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = [word for word in words if word]
        #: What a text may end with that begins a word, the longest first.
        beginnings = {word[:count] for word in self._words for count in range(1, len(word))}
        self._beginnings = tuple(sorted(beginnings, key=len, reverse=True))
        self._held = ""
        self._over = False

    def take(self, part: Part) -> Iterator[Part]:
        """Yield what the part makes."""
        if not isinstance(part, TextDelta):
            if self._held and isinstance(part, _AFTER_TEXT):
                # What may have begun a word has begun none.
                held, self._held = self._held, ""
                yield TextDelta(held)
            is_end_of_text = isinstance(part, Finish) and part.reason != "tool_calls"
            yield replace(part, reason="stop") if self._over and is_end_of_text else part
            return
        if self._over:
            return
        text = self._held + part.text
        found = [(place + len(word), place) for word in self._words if (place := text.find(word)) >= 0]
        if found:
            self._over = True
            # The one that is whole first, however the text is cut into pieces.
            text, self._held = text[: min(found)[1]], ""
        else:
            length = len(text) - self._waiting(text)
            text, self._held = text[:length], text[length:]
        if text:
            yield TextDelta(text)

    def _waiting(self, text: str) -> int:
        """Return how many characters at the end of a text may begin a word."""
        # Mostly none, which is told quickly.
        if not text.endswith(self._beginnings):
            return 0
        return next(len(beginning) for beginning in self._beginnings if text.endswith(beginning))
