"""What is kept of an LLM's answers by the ids of their tool calls.

Callers give tool calls back in a form that has no place for what providers tie to them, so it is kept with the LLM that was
answered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, Generic, TypeVar

from harness.llm.input.messages import Message

T = TypeVar("T")
#: Messages that stand before a call: the role of each, and a hash of what it says.
Before = tuple[tuple[str, int], ...]

#: Calls of which something is kept; conversations with more calls than that must say it themselves.
_KEPT: Final = 1000


class KeptByCall(Generic[T]):
    """What belongs to the last tool calls that one LLM was answered. From any thread.

    Hosts give calls of several conversations the same id, or none. So what is kept of a call is for the same question of the
    user alone; of several conversations that ask it for the one that agrees longest before the call, and where that can't be
    told for none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Before], T] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._kept)

    def keep(self, before: Before, values: Mapping[str, T]) -> None:
        """Keep these, by the ids of calls that were asked for after the messages `before`."""
        with self._lock:
            self._kept.update({(call_id, before): value for call_id, value in values.items()})
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def of(self, call_id: str, before: Before) -> T | None:
        """Return what is kept of a call that stands behind the messages `before`."""
        with self._lock:
            if (same := self._kept.get((call_id, before))) is not None:
                return same
            found = [(asked, value) for (known, asked), value in self._kept.items() if known == call_id]
        alike = [(_agreeing(asked, before), value) for asked, value in found if _question(asked) == _question(before)]
        longest = max((length for length, _ in alike), default=0)
        fitting = [value for length, value in alike if length == longest]
        return fitting[0] if len(fitting) == 1 else None

    def behind(self, message: Message, before: Before) -> T | None:
        """Return what is kept of the calls of an assistant's message, by the first of them."""
        return self.of(message.tool_calls[0].id, before) if message.tool_calls and message.role == "assistant" else None


def said(messages: Iterable[Message]) -> Before:
    """Return what messages say, as far as it tells conversations apart."""
    return tuple((message.role, hash((message.tool_call_id, *_words(message)))) for message in messages)


def _words(message: Message) -> Iterable[str | None]:
    content = message.content
    texts = [content] if isinstance(content, str) else [getattr(part, "text", None) for part in content or ()]
    return (*texts, *(call.id for call in message.tool_calls or ()))


def _question(before: Before) -> tuple[str, int] | None:
    return next((message for message in reversed(before) if message[0] == "user"), None)


def _agreeing(one: Before, other: Before) -> int:
    """Return how many messages, from the last one back, are the same."""
    pairs = enumerate(zip(reversed(one), reversed(other), strict=False))
    return next((number for number, (left, right) in pairs if left != right), min(len(one), len(other)))
